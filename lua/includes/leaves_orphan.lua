-- Only a free neighbour of what is taken can be left alone: nobody free is on its other side then.
local FREE = 48 -- '0'

-- Whether somebody is left alone beside a run of free seats of the row that is taken, places counted from 1.
local function leaves_lone(row, first, last)
  return (string.byte(row, first - 1) == FREE and string.byte(row, first - 2) ~= FREE)
    or (string.byte(row, last + 1) == FREE and string.byte(row, last + 2) ~= FREE)
end

-- Whether taking these places of the row, one by one, leaves somebody alone who was not before.
local function leave_lone(row, places)
  local after = row
  for _, at in ipairs(places) do
    after = string.sub(after, 1, at - 1) .. '1' .. string.sub(after, at + 1)
  end
  for _, at in ipairs(places) do
    if string.byte(row, at) == FREE and leaves_lone(after, at, at) then
      return true
    end
  end
  return false
end

-- As many neighbours of the row that would leave no seat alone, nearest to a place; nil: there are none.
local function tidy_window(row, count, near)
  local wanted, best = string.rep('0', count), nil
  local at = string.find(row, wanted, 1, true)
  while at do
    if not leaves_lone(row, at, at + count - 1) and (not best or math.abs(at - near) < math.abs(best - near)) then
      best = at
    end
    at = string.find(row, wanted, at + 1, true)
  end
  return best
end

-- Nil when the seats leave no seat alone, or when as many neighbours in the same row could not help
-- it; else the seats to take instead. `rows` are {first, length} of each row with wanted seats.
local function leaves_orphan(k, seats, rows, own)
  local instead, found = {}, false
  for _, place in ipairs(rows) do
    local first, length = place[1], place[2]
    local row, here, at = digits_of(k, first, length, own), {}, nil
    for _, seat_index in ipairs(seats) do
      if seat_index >= first and seat_index < first + length then
        here[#here + 1] = seat_index - first + 1
      end
    end
    if leave_lone(row, here) then
      table.sort(here)
      at = tidy_window(row, #here, here[1])
    end
    found = found or at ~= nil
    for position, wanted in ipairs(here) do
      instead[#instead + 1] = first - 1 + (at and at + position - 1 or wanted)
    end
  end
  return found and instead or nil
end
