-- What the status says of a seat, one character each:
--   0 free to anybody   1 held   2 sold   3 a channel's (house, press, kill)
--   4 free, an accessible place   5 free, a companion's place beside one
-- `allotment` says of each seat what it is when nobody has it: 0, 3, 4 or 5.
--
-- `own` has the seats of the hold that is being swapped: they count as free.
local function digit_of(k, seat_index, own)
  local source = own[seat_index] and k.allotment or k.status
  return redis.call('GETRANGE', source, seat_index, seat_index)
end

-- The statuses from one seat on, own ones as free.
local function digits_of(k, first, length, own)
  local row = redis.call('GETRANGE', k.status, first, first + length - 1)
  for seat_index in pairs(own) do
    if seat_index >= first and seat_index < first + length then
      local at = seat_index - first + 1
      row = string.sub(row, 1, at - 1) .. digit_of(k, seat_index, own) .. string.sub(row, at + 1)
    end
  end
  return row
end
