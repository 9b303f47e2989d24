-- Which free seats of a row, by their places from 1, have no free neighbour.
local function lone_places(row)
  local lone, from = {}, 1
  while true do
    local first, last = string.find(row, '0+', from)
    if not first then
      return lone
    end
    if first == last then
      lone[first] = true
    end
    from = last + 1
  end
end

-- How many seats would be alone that were not alone before.
local function new_lone(before, row)
  local count = 0
  for place in pairs(lone_places(row)) do
    if not before[place] then
      count = count + 1
    end
  end
  return count
end

-- As many neighbours of the row that would leave no seat alone, nearest to a place; nil: there are none.
local function tidy_window(row, before, count, near)
  local wanted, best = string.rep('0', count), nil
  local at = string.find(row, wanted, 1, true)
  while at do
    local after = string.sub(row, 1, at - 1) .. string.rep('1', count) .. string.sub(row, at + count)
    if new_lone(before, after) == 0 and (not best or math.abs(at - near) < math.abs(best - near)) then
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
    local row = digits_of(k, first, length, own)
    local before, after, here = lone_places(row), row, {}
    for _, seat_index in ipairs(seats) do
      if seat_index >= first and seat_index < first + length then
        local at = seat_index - first + 1
        after = string.sub(after, 1, at - 1) .. '1' .. string.sub(after, at + 1)
        here[#here + 1] = seat_index
      end
    end
    local at = nil
    if #here > 0 and new_lone(before, after) > 0 then
      table.sort(here)
      at = tidy_window(row, before, #here, here[1] - first + 1)
    end
    found = found or at ~= nil
    for position, seat_index in ipairs(here) do
      instead[#instead + 1] = at and first + at + position - 2 or seat_index
    end
  end
  return found and instead or nil
end
