-- Put what was found possible in the place of what a reservation has: what stays is not touched.
local function swap_seats(k, reservation_id, old, new, now)
  local has, wanted, left, gained = {}, {}, {}, {}
  for _, seat_index in ipairs(old.seats) do
    has[seat_index] = true
  end
  for _, seat_index in ipairs(new.seats) do
    wanted[seat_index] = true
    if not has[seat_index] then
      gained[#gained + 1] = seat_index
    end
  end
  for _, seat_index in ipairs(old.seats) do
    if not wanted[seat_index] then
      left[#left + 1] = seat_index
    end
  end
  local blocked = give_back(k, reservation_id, left)
  take_seats(k, reservation_id, gained)
  if old.tier then
    redis.call('HINCRBY', k.stock, old.tier, old.quantity)
  end
  if new.tier then
    redis.call('HINCRBY', k.stock, new.tier, -new.quantity)
  end
  local change = (new.tier and new.quantity or #new.seats) - (old.tier and old.quantity or #old.seats)
  redis.call('HINCRBY', k.fan_counts, new.fan_id, change)
  if old.offered then
    redis.call('HDEL', k.offers, new.fan_id)
  end
  local text = cjson.encode(new)
  redis.call('HSET', k.reservations, reservation_id, text)
  new.left, new.left_tier = left, old.tier
  append_log(k.meta, k.log, 'swapped', reservation_id, cjson.encode(new), now)
  log_seats(k, 'blocked', blocked, now)
  return text
end
