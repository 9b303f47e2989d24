-- While we are down nobody's clock runs: what would have ended in that time, or soon after it, ends later by
-- as much. The line adds up the outages of its epoch in `frozen_ms`, for fans from before it began of whom it
-- hears only afterwards.
--
-- Longer than any pause of a healthy machine, and shorter than it takes a fan to be harmed by it.
local OUTAGE_MS_MIN = 3000
-- Ten minutes: as long as somebody may be expected to try again. Whoever comes back later comes late, before
-- everybody who is not called yet; without a bound a night's outage would keep all room for nobody.
local FROZEN_MS_MAX = 600000

local function note_outage(line, length)
  local frozen = math.min(length, FROZEN_MS_MAX)
  redis.call('HINCRBY', line, 'frozen_ms', frozen)
  return frozen
end

-- When a pass ends that this Redis has never heard of.
local function thawed_end(line, pass_ends_at)
  return pass_ends_at + tonumber(redis.call('HGET', line, 'frozen_ms') or 0)
end
