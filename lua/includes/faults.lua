-- Faults: a fan inside to whom we failed (no answer from the shop or a store, or 500, 502, 503, 504) loses
-- nothing by it. From the first failure to the last the clock of their visit stands still; and should they have
-- given up, they come back before everybody else who comes late.
--
--   faults  hash  fan_id -> faults so far:last failure, 0 once it was made good at the door:time given (ms)
--
-- Failures closer together are one fault: longer than anybody is told to wait before asking again.
local FAULT_GAP_MS = 60000
-- A fan may be able to make a shop fail. Three times is what an unlucky one meets in a bad sale; a fourth is
-- given nothing.
local FAULTS_MAX = 3
-- And in all of them together no more time than for an outage of everything: see includes/frozen.lua.
local FAULTS_MS_MAX = 600000
-- Whoever we failed has so much time after it at least: to find the page again, and to finish.
local BACK_MS = 120000
-- For so long after the last failure they come back before everybody else.
local CREDIT_MS = 600000
-- Longer than anybody waits: who has a credit is taken to have come so much earlier.
local HEAD_START_MS = 86400000

local function fault_of(faults, fan_id)
  local count, last, given =
    string.match(redis.call('HGET', faults, fan_id) or '0:0:0', '^(%d+):(%d+):(%d+)$')
  return {count = tonumber(count), last = tonumber(last), given = tonumber(given)}
end

local function put_fault(faults, fan_id, fault)
  redis.call('HSET', faults, fan_id, string.format('%d:%d:%d', fault.count, fault.last, fault.given))
end

-- Note that a fan was failed just now; answers how much later their visit ends, and whether it is a new fault.
local function note_fault(faults, fan_id, now, ends_at)
  local fault = fault_of(faults, fan_id)
  local since = now - fault.last
  local is_new = since > FAULT_GAP_MS
  if is_new and fault.count >= FAULTS_MAX then
    return 0, false
  end
  local stood_still = is_new and 0 or math.max(0, since)
  local wanted = math.max(stood_still, now + BACK_MS - ends_at)
  local given = math.min(wanted, FAULTS_MS_MAX - fault.given)
  fault.count, fault.last = fault.count + (is_new and 1 or 0), now
  fault.given = fault.given + given
  put_fault(faults, fan_id, fault)
  return given, is_new
end

local function has_credit(faults, fan_id, now)
  return now - fault_of(faults, fan_id).last < CREDIT_MS
end

-- What was made good is good once: the time that was given, and how often, stay.
local function use_credit(faults, fan_id)
  local fault = fault_of(faults, fan_id)
  if fault.last > 0 then
    fault.last = 0
    put_fault(faults, fan_id, fault)
  end
end
