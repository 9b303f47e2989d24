-- Calls are remembered in cohorts: all that were made within a short while. A cohort is open for as
-- long as its fans are expected to answer; until then it keeps room for those who have not.
--
--   cohorts  hash  number of the cohort -> began at:called:claimed:passed:counted
--                  (the last two belong to includes/answers.lua)
--   calls    zset  first address:number of the cohort, scored by the last address it called
--
-- Long enough for a hundred and twenty of them to span the answering time, whatever that is.
local function cohort_span_ms(answer_ms)
  return math.ceil(answer_ms / 120)
end

local function cohort_of(number, text)
  local began, called, claimed, passed, counted =
    string.match(text, '^(%d+):(%d+):(%d+):(%d+):(%d+)$')
  return {
    number = number, began = tonumber(began), called = tonumber(called), claimed = tonumber(claimed),
    passed = tonumber(passed), counted = tonumber(counted),
  }
end

local function put_cohort(cohorts, cohort)
  redis.call('HSET', cohorts, cohort.number, string.format('%d:%d:%d:%d:%d', cohort.began,
    cohort.called, cohort.claimed, cohort.passed, cohort.counted))
end

-- All cohorts there are, the oldest first.
local function read_cohorts(cohorts)
  local stored, found = redis.call('HGETALL', cohorts), {}
  for position = 1, #stored, 2 do
    found[#found + 1] = cohort_of(tonumber(stored[position]), stored[position + 1])
  end
  table.sort(found, function(one, other) return one.number < other.number end)
  return found
end

-- When all fans of a cohort have had the whole answering time.
local function settled_at(cohort, answer_ms)
  return cohort.began + cohort_span_ms(answer_ms) + answer_ms
end

local function is_settled(cohort, now, answer_ms)
  return now >= settled_at(cohort, answer_ms)
end

-- How many calls are still expected to be answered.
local function calls_open(cohorts, now, answer_ms)
  local open = 0
  for _, cohort in ipairs(read_cohorts(cohorts)) do
    if not is_settled(cohort, now, answer_ms) then
      open = open + cohort.called - cohort.claimed
    end
  end
  return open
end

-- The open cohort that called an address; nil when it is settled, and its fan comes late.
local function cohort_that_called(calls, cohorts, address, now, answer_ms)
  local row = redis.call('ZRANGEBYSCORE', calls, address, '+inf', 'LIMIT', 0, 1)
  local first, number = string.match(row[1] or '', '^(%d+):(%d+)$')
  if not first or tonumber(first) > address then
    return nil
  end
  local text = redis.call('HGET', cohorts, number)
  local cohort = text and cohort_of(tonumber(number), text)
  return cohort and not is_settled(cohort, now, answer_ms) and cohort or nil
end
