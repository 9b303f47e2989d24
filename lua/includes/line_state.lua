-- How many fans are inside or have a call they may still answer. Ended visits are dropped on sight.
local function fans_inside(visits, visit_ids, now)
  local ended = redis.call('ZRANGEBYSCORE', visits, '-inf', now, 'LIMIT', 0, 1000)
  for _, fan_id in ipairs(ended) do
    redis.call('ZREM', visits, fan_id)
    redis.call('HDEL', visit_ids, fan_id)
  end
  return redis.call('ZCARD', visits)
end

-- The highest place whose call is older than the answering time: those who have not come are not
-- waited for any longer. They may still come.
local function answered_by_now(calls, now, answer_ms)
  local found = redis.call('ZREVRANGEBYSCORE', calls, now - answer_ms, '-inf', 'LIMIT', 0, 1)
  return tonumber(found[1] or 0)
end

-- How many called places are still expected: called within the answering time and not claimed.
local function calls_open(calls, claims, serving, now, answer_ms)
  local settled = answered_by_now(calls, now, answer_ms)
  local claimed = redis.call('ZCOUNT', claims, '(' .. settled, serving)
  return math.max(0, serving - settled - claimed), settled
end
