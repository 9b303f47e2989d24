-- What the status says of a seat, one character each:
--   0 free to anybody   1 held   2 sold   3 a channel's (house, press, kill)
--   4 free, an accessible place   5 free, a companion's place beside one
-- `allotment` says of each seat what it is when nobody has it: 0, 3, 4 or 5.
--
-- `own` has the seats of the hold that is being swapped: they count as free.

-- Wanted seats and their rows mostly lie side by side. No further apart than this they are read in one go: a
-- thousand bytes take the server less time than a second command.
local AHEAD_MAX = 1000

-- Read the statuses of all seats of a wish, and of the rows it is in, before they are looked at. A seat that opens
-- meanwhile drops what was read (includes/open_seat.lua); seats are taken when all has been looked at.
local function read_ahead(k, wish)
  local first, last = math.min(unpack(wish.seats)), math.max(unpack(wish.seats))
  for _, place in ipairs(wish.rows or {}) do
    first, last = math.min(first, place[1]), math.max(last, place[1] + place[2] - 1)
  end
  if last - first < AHEAD_MAX then
    k.ahead_from, k.ahead = first, redis.call('GETRANGE', k.status, first, last)
  end
end

local function statuses(k, first, last)
  if k.ahead and first >= k.ahead_from and last < k.ahead_from + #k.ahead then
    return string.sub(k.ahead, first - k.ahead_from + 1, last - k.ahead_from + 1)
  end
  return redis.call('GETRANGE', k.status, first, last)
end

local function digit_of(k, seat_index, own)
  if own[seat_index] then
    return redis.call('GETRANGE', k.allotment, seat_index, seat_index)
  end
  return statuses(k, seat_index, seat_index)
end

-- The statuses from one seat on, own ones as free.
local function digits_of(k, first, length, own)
  local row = statuses(k, first, first + length - 1)
  for seat_index in pairs(own) do
    if seat_index >= first and seat_index < first + length then
      local at = seat_index - first + 1
      row = string.sub(row, 1, at - 1) .. digit_of(k, seat_index, own) .. string.sub(row, at + 1)
    end
  end
  return row
end
