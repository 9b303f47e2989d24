-- ADA: up to three companions sit with each accessible place.
local COMPANIONS_MAX = 3

-- Of the wanted companions' places those that are kept for others. `places` has the wanted accessible ones.
-- The place must be in the same wish, a swap's too: in a hold of its own a companion's place would stay when
-- the other is given back.
local function kept_beside(wish, companions, places)
  if not wish.is_accessible then
    return companions
  end
  local wanted, place_of, kept, count = {}, {}, {}, 0
  for _, seat_index in ipairs(wish.seats) do
    wanted[seat_index] = true
  end
  for _, pair in ipairs(wish.companions or {}) do
    place_of[pair[1]] = pair[2]
  end
  for _, seat_index in ipairs(companions) do
    local place = place_of[seat_index]
    if place and not wanted[place] then
      kept[#kept + 1] = seat_index
    elseif place then
      places[place] = true
    end
  end
  for _ in pairs(places) do
    count = count + 1
  end
  return #companions > count * COMPANIONS_MAX and companions or kept
end

-- Look at wanted seats one by one. Answers which are taken, and which are kept for fans who need an
-- accessible place: those go to a wish that says so, companions' places only with the one they are beside.
-- Holds in the way that ran out end here.
local function look_at_named(k, wish, own, now)
  local taken, kept, places, companions = {}, {}, {}, {}
  read_ahead(k, wish)
  for _, seat_index in ipairs(wish.seats) do
    local digit = digit_of(k, seat_index, own)
    if digit == '1' then
      local holder = redis.call('HGET', k.holders, tostring(seat_index))
      local ends_at = holder and tonumber(redis.call('ZSCORE', k.expiries, holder) or 0)
      if ends_at and ends_at <= now then
        end_hold(k, holder, redis.call('HGET', k.reservations, holder), 'expired', now)
        digit = digit_of(k, seat_index, own)
      end
    end
    if digit == '4' then
      places[seat_index] = true
      if not wish.is_accessible then
        kept[#kept + 1] = seat_index
      end
    elseif digit == '5' then
      companions[#companions + 1] = seat_index
    elseif digit == '3' then
      local channel = redis.call('HGET', k.channels, tostring(seat_index))
      if not wish.channel or channel ~= wish.channel then
        taken[#taken + 1] = seat_index
      end
    elseif digit ~= '0' then
      taken[#taken + 1] = seat_index
    end
  end
  if wish.is_theirs then
    return taken, {}
  end
  if #companions > 0 then
    for _, seat_index in ipairs(kept_beside(wish, companions, places)) do
      kept[#kept + 1] = seat_index
    end
  end
  return taken, kept
end
