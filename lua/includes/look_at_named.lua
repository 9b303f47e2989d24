-- ADA: up to three companions sit with each accessible place.
local COMPANIONS_MAX = 3

-- Look at wanted seats one by one. Answers which are taken, and which are kept for fans who need an
-- accessible place: those go to a wish that says so, companions' places only beside an accessible one.
-- Holds in the way that ran out end here.
local function look_at_named(k, wish, own, now)
  local taken, kept, places, companions = {}, {}, 0, {}
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
      places = places + 1
      if not wish.is_accessible then
        kept[#kept + 1] = seat_index
      end
    elseif digit == '5' then
      companions[#companions + 1] = seat_index
    elseif digit == '3' then
      local channel = redis.call('HGET', k.channels, tostring(seat_index))
      if wish.channel == '' or channel ~= wish.channel then
        taken[#taken + 1] = seat_index
      end
    elseif digit ~= '0' then
      taken[#taken + 1] = seat_index
    end
  end
  if not wish.is_accessible or #companions > places * COMPANIONS_MAX then
    for _, seat_index in ipairs(companions) do
      kept[#kept + 1] = seat_index
    end
  end
  return taken, kept
end
