-- Take seats from a reservation: each goes back to what it is kept for (includes/digits.lua). Answers
-- those that are a channel's, for they are not free to everybody.
local function give_back(k, reservation_id, seats)
  local blocked = {}
  for _, seat_index in ipairs(seats) do
    local field = tostring(seat_index)
    if redis.call('HGET', k.holders, field) == reservation_id then
      redis.call('HDEL', k.holders, field)
      local digit = redis.call('GETRANGE', k.allotment, seat_index, seat_index)
      open_seat(k, seat_index, digit)
      if digit == '3' then
        blocked[#blocked + 1] = seat_index
      end
    end
  end
  return blocked
end

-- Give back everything a reservation holds. The caller has read it and logs why, then what is blocked.
local function free_hold(k, reservation_id, reservation)
  local blocked = give_back(k, reservation_id, reservation.seats)
  if reservation.tier then
    redis.call('HINCRBY', k.stock, reservation.tier, reservation.quantity)
  end
  local count = reservation.tier and reservation.quantity or #reservation.seats
  if redis.call('HINCRBY', k.fan_counts, reservation.fan_id, -count) <= 0 then
    redis.call('HDEL', k.fan_counts, reservation.fan_id)
  end
  if reservation.offered and redis.call('HGET', k.offers, reservation.fan_id) == reservation_id then
    redis.call('HDEL', k.offers, reservation.fan_id)
  end
  redis.call('HDEL', k.reservations, reservation_id)
  redis.call('ZREM', k.expiries, reservation_id)
  return blocked
end
