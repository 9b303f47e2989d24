-- The reservation that an earlier run of this operation made, if it still stands: then the answer
-- is the same as the first time. One that has ended since is answered as gone, and is not made anew:
-- a repeat asks what became of the first, it does not ask again.
local function repeated_hold(k, operation_key, now)
  local reservation_id = redis.call('GET', operation_key)
  if not reservation_id then
    return nil
  end
  local text = redis.call('HGET', k.reservations, reservation_id)
  if not text then
    return {'gone', reservation_id}
  end
  if tonumber(redis.call('ZSCORE', k.expiries, reservation_id)) <= now then
    return {'gone', reservation_id}
  end
  return {'held', reservation_id, text}
end
