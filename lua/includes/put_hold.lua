-- Give seats that were found free to a reservation: the only place where seats become held.
local function take_seats(k, reservation_id, seats)
  local holders, first = {}, 1
  for position, seat_index in ipairs(seats) do
    holders[2 * position - 1], holders[2 * position] = tostring(seat_index), reservation_id
    -- Neighbours in one go.
    if seats[position + 1] ~= seat_index + 1 then
      redis.call('SETRANGE', k.status, seats[first], string.rep('1', position - first + 1))
      first = position + 1
    end
  end
  if #holders > 0 then
    redis.call('HSET', k.holders, unpack(holders))
  end
end

-- Write a hold that was found possible.
local function put_hold(k, reservation_id, reservation, now)
  take_seats(k, reservation_id, reservation.seats)
  if reservation.tier then
    redis.call('HINCRBY', k.stock, reservation.tier, -reservation.quantity)
  end
  local count = reservation.tier and reservation.quantity or #reservation.seats
  redis.call('HINCRBY', k.fan_counts, reservation.fan_id, count)
  local text = cjson.encode(reservation)
  redis.call('HSET', k.reservations, reservation_id, text)
  redis.call('ZADD', k.expiries, reservation.expires_at_ms, reservation_id)
  append_log(k.meta, k.log, 'held', reservation_id, text, now)
  return text
end
