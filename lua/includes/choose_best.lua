-- An accessible place with the rest of the party next to it, or at least in the house; or nil.
local function choose_accessible(house, wish)
  local seats, any = choose_beside(house, wish)
  if seats or not any then
    return seats
  end
  local rest = choose_scattered(house, wish.ranges, wish.quantity - 1, {any})
  if not rest then
    return nil
  end
  table.insert(rest, 1, any)
  return rest
end

-- The best free seats for a wish, or nil when not enough are free. `ranges` are the tiers that will do,
-- as {first block, last block}, wanted ones first. Neighbours in any of them, then a party in two
-- neighbouring rows, then whatever of one tier, then of all.
local function choose_best(house, wish)
  local quantity, chance = wish.quantity, wish.chance
  if #wish.accessible > 0 then
    return choose_accessible(house, wish)
  end
  for _, choose in ipairs({choose_run, choose_split}) do
    for _, range in ipairs(wish.ranges) do
      local seats = choose(house, range, quantity, chance)
      if seats then
        return seats
      end
    end
  end
  for _, range in ipairs(wish.ranges) do
    local seats = choose_scattered(house, {range}, quantity, {})
    if seats then
      return seats
    end
  end
  return choose_scattered(house, wish.ranges, quantity, {})
end

-- The status as the wish may see it: own seats free; for a channel its own seats free and no others.
local function status_for(k, wish, own)
  local status = digits_of(k, 0, redis.call('STRLEN', k.status), own)
  if wish.channel == '' then
    return status
  end
  local seats, shown, last = {}, {}, 0
  local stored = redis.call('HGETALL', k.channels)
  for position = 1, #stored, 2 do
    local seat_index = tonumber(stored[position])
    if stored[position + 1] == wish.channel and string.byte(status, seat_index + 1) == 51 then
      seats[#seats + 1] = seat_index
    end
  end
  table.sort(seats)
  for _, seat_index in ipairs(seats) do
    shown[#shown + 1] = string.rep('3', seat_index - last) .. '0'
    last = seat_index + 1
  end
  return table.concat(shown)
end

-- The house as the wish may see it. Where no search of others found room, none of this one will, for
-- seats are only taken: that is forgotten when one becomes free (includes/open_seat.lua). Own seats and a
-- channel's make another house.
local function house_for(k, wish, own)
  local is_everybodys = wish.channel == '' and not next(own)
  local noted = is_everybodys and redis.call('HGET', k.meta, 'room_from')
  return {
    status = status_for(k, wish, own),
    plan = redis.call('GET', k.plan) or '',
    room_from = noted and cjson.decode(noted) or {},
    is_everybodys = is_everybodys,
  }
end

-- Spare the next search what this one looked through in vain.
local function keep_room_from(k, house)
  if house.is_everybodys and house.is_news then
    redis.call('HSET', k.meta, 'room_from', cjson.encode(house.room_from))
  end
end
