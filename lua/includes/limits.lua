-- Several allowances at once, each refilling evenly (the generic cell rate algorithm). Each is a field of a
-- hash and holds the moment from which it is whole again. `limits` has rows of whose, kind, every_ms, burst:
-- who has used up a hard one is refused, who has used up a soft one has to work harder.
-- Returns what would be left, by row, with the longest wait of a hard one and whose it is, and whose soft
-- one is used up.
local function look_at_limits(keys, limits, now)
  local seen = {wait = 0}
  for position, limit in ipairs(limits) do
    local whose, kind, every_ms, burst = limit[1], limit[2], limit[3], limit[4]
    local whole_at = math.max(now, tonumber(redis.call('HGET', keys[whose], kind) or 0)) + every_ms
    local wait = whole_at - every_ms * burst - now
    if wait <= 0 then
      seen[position] = whole_at
    elseif kind == 'soft' then
      seen.pressed = whose
    elseif wait > seen.wait then
      seen.wait, seen.used_up = wait, whose
    end
  end
  return seen
end

-- Spends one of each that was not used up. A soft one that is used up stays as it is, so that it comes back.
local function spend_limits(keys, limits, seen, now)
  for position, limit in ipairs(limits) do
    local key, whole_at = keys[limit[1]], seen[position]
    if whole_at then
      redis.call('HSET', key, limit[2], whole_at)
      redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key), whole_at - now + 1))
    end
  end
end
