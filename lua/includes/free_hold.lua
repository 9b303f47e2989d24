-- Give back everything a reservation holds. The caller has read it and logs why.
local function free_hold(k, reservation_id, reservation)
  for _, seat_index in ipairs(reservation.seats) do
    local field = tostring(seat_index)
    if redis.call('HGET', k.holders, field) == reservation_id then
      redis.call('HDEL', k.holders, field)
      redis.call('SETRANGE', k.status, seat_index, '0')
    end
  end
  if reservation.tier then
    redis.call('HINCRBY', k.stock, reservation.tier, reservation.quantity)
  end
  local count = reservation.tier and reservation.quantity or #reservation.seats
  if redis.call('HINCRBY', k.fan_counts, reservation.fan_id, -count) <= 0 then
    redis.call('HDEL', k.fan_counts, reservation.fan_id)
  end
  redis.call('HDEL', k.reservations, reservation_id)
  redis.call('ZREM', k.expiries, reservation_id)
end
