-- How much of the asked rate the shop bears, from what it answered to the fans of all processes:
-- additive increase, multiplicative decrease. All processes add what they saw; whoever comes first
-- after a period is over judges it, once.
local HEALTH_PERIOD_MS = 5000
-- Fewer answers than these say little: they are kept for the next period, unless all were good.
local HEALTH_ANSWERS_MIN = 50
-- Two in a hundred: what a shop in good order never reaches.
local HEALTH_BAD_PART_MAX = 0.02
-- Health is kept in thousandths. From the least back to the whole in less than two minutes, and down
-- to half in two periods.
local HEALTH_STEP_UP = 50
local HEALTH_TENTHS_LEFT = 7
-- Never less: it takes some fans inside to find out that the shop is well again.
local HEALTH_MIN = 50

local function health_now(line, now, good, bad)
  local stored = redis.call('HMGET', line, 'health', 'health_at_ms', 'good', 'bad')
  local health, at = tonumber(stored[1] or 1000), tonumber(stored[2] or now)
  good, bad = good + tonumber(stored[3] or 0), bad + tonumber(stored[4] or 0)
  if now < at then
    at = now
  elseif now - at >= HEALTH_PERIOD_MS then
    at = now
    if good + bad >= HEALTH_ANSWERS_MIN and bad > HEALTH_BAD_PART_MAX * (good + bad) then
      health = math.max(HEALTH_MIN, math.floor(health * HEALTH_TENTHS_LEFT / 10))
      good, bad = 0, 0
    elseif bad == 0 or good + bad >= HEALTH_ANSWERS_MIN then
      health = math.min(1000, health + HEALTH_STEP_UP)
      good, bad = 0, 0
    end
  end
  redis.call('HSET', line, 'health', health, 'health_at_ms', at, 'good', good, 'bad', bad)
  return health
end
