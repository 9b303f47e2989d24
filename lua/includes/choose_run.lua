-- Rows with room that are weighed at most: a tenth of a millisecond of the server's time. Behind them
-- are rows enough with so much room that nobody is left alone.
local ROWS_WEIGHED_MAX = 24
-- Equally good rows the caller's chance picks from: a house has seldom more.
local EQUALS_MAX = 8

-- Call `weigh(number, first, length, heart, grade)` for each block of a tier with a run of so many free
-- seats, best first, until it answers true. `house.room_from` says of tiers and runs before which seat none is:
-- the search begins there, and says where it found the first.
local function each_with_room(house, range, room, weigh)
  local status, plan, low, high = house.status, house.plan, range[1], range[2]
  local last_first, last_length = block_at(plan, high)
  local stop, wanted, mark = last_first + last_length, string.rep('0', room), low .. ':' .. room
  local function note_first(seat_index)
    house.is_news = house.is_news or house.room_from[mark] ~= seat_index
    house.room_from[mark] = seat_index
  end
  local position, number, is_first = house.room_from[mark] or block_at(plan, low), low - 1, true
  while true do
    local at = string.find(status, wanted, position + 1, true)
    if not at or at - 1 + room > stop then
      if is_first then
        note_first(stop)
      end
      return
    end
    -- Mostly it is in the next block.
    number = math.min(number + 1, high)
    local first, length, heart, grade = block_at(plan, number)
    if at > first + length then
      number = block_of(plan, at - 1, number, high)
      first, length, heart, grade = block_at(plan, number)
    end
    position = first + length
    -- A run over the end of a block is none: the next search begins behind it.
    if at - 1 + room <= position then
      if is_first then
        note_first(at - 1)
        is_first = false
      end
      if weigh(number, first, length, heart, grade) then
        return
      end
    end
  end
end

-- Neighbours in the best row of a tier that has room, or nil. A row where nobody is left alone goes
-- before a better one where somebody is.
local function choose_run(house, range, quantity, chance)
  local tidy, untidy, weighed = {}, {}, 0
  local function note(list, seat_index, grade)
    list.grade = list.grade or grade
    if list.grade == grade and #list < EQUALS_MAX then
      list[#list + 1] = seat_index
    end
  end
  local function weigh(_, first, length, heart, grade)
    if tidy.grade and (grade ~= tidy.grade or #tidy == EQUALS_MAX) then
      return true
    end
    local row = string.sub(house.status, first + 1, first + length)
    local offset, lone = best_window(row, heart, quantity, chance)
    note(lone == 0 and tidy or untidy, first + offset, grade)
    weighed = weighed + 1
    return weighed == ROWS_WEIGHED_MAX
  end
  each_with_room(house, range, quantity, weigh)
  if #tidy == 0 and weighed == ROWS_WEIGHED_MAX then
    -- Two more free seats are room enough for any tidy choice, and were in none of the rows before.
    each_with_room(house, range, quantity + 2, weigh)
  end
  local found = #tidy > 0 and tidy or untidy
  if #found == 0 then
    return nil
  end
  return neighbours_from(found[math.floor(chance / 2) % #found + 1], quantity)
end
