-- Rows with room that are weighed at most: a tenth of a millisecond of the server's time. Behind them
-- are rows enough with so much room that nobody is left alone.
local ROWS_WEIGHED_MAX = 24
-- Equally good rows the caller's chance picks from: a house has seldom more.
local EQUALS_MAX = 8

-- Call `weigh(number, first, length, heart, grade)` for each block of a tier with a run of so many free
-- seats, best first, until it answers true.
local function each_with_room(status, plan, range, room, from, weigh)
  local low, high = range[1], range[2]
  local last_first, last_length = block_at(plan, high)
  local stop, wanted, position = last_first + last_length, string.rep('0', room), from
  local number = low - 1
  while true do
    local at = string.find(status, wanted, position + 1, true)
    if not at or at - 1 + room > stop then
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
    if at - 1 + room <= position and weigh(number, first, length, heart, grade) then
      return
    end
  end
end

-- Neighbours in the best row of a tier that has room, or nil. A row where nobody is left alone goes
-- before a better one where somebody is.
local function choose_run(status, plan, range, quantity, chance)
  local tidy, untidy, weighed, position = {}, {}, 0, 0
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
    local row = string.sub(status, first + 1, first + length)
    local offset, lone = best_window(row, heart, quantity, chance)
    note(lone == 0 and tidy or untidy, first + offset, grade)
    weighed, position = weighed + 1, first + length
    return weighed == ROWS_WEIGHED_MAX
  end
  local first_seat = block_at(plan, range[1])
  each_with_room(status, plan, range, quantity, first_seat, weigh)
  if #tidy == 0 and weighed == ROWS_WEIGHED_MAX then
    -- Two more free seats are room enough for any tidy choice: this search is the server's own loop.
    each_with_room(status, plan, range, quantity + 2, position, weigh)
  end
  local found = #tidy > 0 and tidy or untidy
  if #found == 0 then
    return nil
  end
  return neighbours_from(found[math.floor(chance / 2) % #found + 1], quantity)
end
