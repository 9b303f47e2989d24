-- Free holds that ran out, oldest first, at most `limit` of them; answers how many. Every script
-- that looks for free seats does this first, so a dead hold blocks nobody, sweeper or not.
local function sweep_due(k, now, limit)
  -- Mostly none is, and to count them is the cheapest way to know.
  if redis.call('ZCOUNT', k.expiries, '-inf', now) == 0 then
    return 0
  end
  local due = redis.call('ZRANGEBYSCORE', k.expiries, '-inf', now, 'LIMIT', 0, limit)
  for _, reservation_id in ipairs(due) do
    local text = redis.call('HGET', k.reservations, reservation_id)
    if text then
      end_hold(k, reservation_id, text, 'expired', now)
    else
      redis.call('ZREM', k.expiries, reservation_id)
    end
  end
  return #due
end
