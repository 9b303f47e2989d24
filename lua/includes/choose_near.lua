-- Rows looked at for an offer before the best of the tier will do.
local ROWS_NEAR_MAX = 24

-- As many neighbours as were wanted, near the seats that were wanted: in the same row, in the rows before
-- and behind, in rows as near to the stage, or else the best of the tier; nil: there are none.
local function choose_near(house, range, wanted, chance)
  local status, plan = house.status, house.plan
  local quantity, inside = #wanted, {}
  for _, seat_index in ipairs(wanted) do
    local number = block_of(plan, seat_index, 0, #plan / BLOCK_BYTES - 1)
    if number >= range[1] and number <= range[2] then
      inside[#inside + 1] = seat_index
    end
  end
  table.sort(inside)
  local number = block_of(plan, inside[math.floor((#inside + 1) / 2)], range[1], range[2])
  local first, _, heart = block_at(plan, number)
  local shift = inside[1] + inside[#inside] - 2 * first - heart
  local rows, seen, untidy = {number}, {[number] = true}, nil
  local function add(other)
    if other >= range[1] and other <= range[2] and not seen[other] then
      seen[other] = true
      rows[#rows + 1] = other
    end
  end
  for step = 1, ROWS_NEAR_MAX do
    local row_number = rows[step]
    if not row_number then
      break
    end
    local its_first, its_length, its_heart, _, nearer, farther = block_at(plan, row_number)
    local row = string.sub(status, its_first + 1, its_first + its_length)
    local offset, lone = best_window(row, its_heart + shift, quantity, chance)
    if offset and lone == 0 then
      return neighbours_from(its_first + offset, quantity)
    end
    untidy = untidy or (offset and its_first + offset)
    add(nearer)
    add(farther)
    add(number + step)
    add(number - step)
  end
  if untidy then
    return neighbours_from(untidy, quantity)
  end
  return choose_run(house, range, quantity, chance)
end
