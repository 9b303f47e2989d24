-- How many to call so that fans come to the turnstile just as fast as tokens flow in.
--
-- Two stocks are held: fans at the turnstile, and fans who were called and are expected. A fan is a while on
-- the way, so the rate of those who come is right when rate × that while are under way; and there have
-- to be some at the turnstile, for people do not come like clockwork. What fails to come is called anew as
-- soon as it is known to fail, and a slow correction takes up what the measured while is wrong by.
local SPREADS_AT_TURNSTILE = 2.5 -- so often the spread of arrivals: the turnstile is empty once in a hundred
local TURNSTILE_MS_MAX = 10000 -- nobody should stand at the turnstile for longer
local EASE_PART = 0.02 -- of an error is taken up a second: slower than fans are on the way
local EASE_MS_MAX = 30000

-- Answers how many, and how many fans more than wished stand at the turnstile (less than none: too few).
local function calls_wanted(bucket, sum, expected, ease_ms)
  local per_ms = bucket.rate / TOKEN_UNITS
  local spread = math.sqrt(2 * per_ms * sum.lead_ms)
  local wished = math.min(SPREADS_AT_TURNSTILE * spread + 1, per_ms * TURNSTILE_MS_MAX)
  local at_turnstile = (bucket.spent - bucket.flow) / TOKEN_UNITS
  local target = per_ms * (sum.lead_ms + ease_ms) + wished
  return math.max(0, math.floor((target - at_turnstile - expected) / sum.show)), at_turnstile - wished
end

-- The correction (ms), when nothing but the rate held the calls since the last tick.
local function eased(ease_ms, bucket, sum, too_many)
  local seconds = math.max(-1, math.min(1, too_many / math.max(1, bucket.rate / 60)))
  local moved = ease_ms - seconds * bucket.elapsed * EASE_PART
  return math.max(-sum.lead_ms, math.min(EASE_MS_MAX, moved))
end
