-- The reservation that an earlier run of this operation made, if it still stands: then the answer
-- is the same as the first time. One that has ended since is answered as gone, and is not made anew:
-- a repeat asks what became of the first, it does not ask again. A wish that was refused with an offer
-- is refused again, with the offer if it still stands. Who asks for something else is no repeat, and would
-- take what was held before for what they ask for.
local function repeated_hold(k, operation_key, asked, now)
  local found = redis.call('GET', operation_key)
  if not found then
    return nil
  end
  local first = cmsgpack.unpack(found)
  if first.asked ~= asked then
    return {'reused'}
  end
  local reservation_id = first.reservation_id
  local text = redis.call('HGET', k.reservations, reservation_id)
  local ends_at = text and tonumber(redis.call('ZSCORE', k.expiries, reservation_id) or 0)
  local is_alive = text and ends_at > now
  if first.taken then
    return {'taken', is_alive and reservation_id or '', is_alive and text or '', unpack(first.taken)}
  end
  if not is_alive then
    return {'gone', reservation_id}
  end
  return {'held', reservation_id, text}
end

-- Remember what was asked, and what that led to: the reservation, and the seats it was refused if that is an
-- offer.
local function remember(operation_key, asked, reservation_id, taken, operation_ms)
  local value = cmsgpack.pack({asked = asked, reservation_id = reservation_id, taken = taken})
  redis.call('SET', operation_key, value, 'PX', operation_ms)
end
