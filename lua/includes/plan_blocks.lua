-- The plan: 14 bytes for each block, in the order of their seats, best first within a tier. How they are
-- packed, and what they mean, says booking_core/catalog/ranked_blocks.py.
local BLOCK_BYTES = 14
local NO_BLOCK = 65535

-- first seat, length, heart (twice the best offset: it may lie between two seats), grade (equal: equally near the stage), the numbers of
-- the rows before and behind.
local function block_at(plan, number)
  local a, b, c, d, e, f, g, h, i, j, l, m, n, o =
    string.byte(plan, number * BLOCK_BYTES + 1, (number + 1) * BLOCK_BYTES)
  return a * 65536 + b * 256 + c, d * 256 + e, f * 256 + g, h * 65536 + i * 256 + j, l * 256 + m,
    n * 256 + o
end

-- The number of the block that a seat is in, between two numbers.
local function block_of(plan, seat_index, low, high)
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    local a, b, c = string.byte(plan, middle * BLOCK_BYTES + 1, middle * BLOCK_BYTES + 3)
    if a * 65536 + b * 256 + c <= seat_index then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

-- Where in a row so many free neighbours sit best, as an offset from 0, or nil: near the target (twice
-- an offset), and without leaving a seat alone if that can be helped. Also answers how many are left alone.
local function best_window(row, target, quantity, chance)
  local wanted = string.rep('0', quantity)
  local best, best_cost, best_lone = nil, nil, nil
  local at = string.find(row, wanted, 1, true)
  while at do
    local lone, beyond = 0, at + quantity
    if string.byte(row, at - 1) == 48 and string.byte(row, at - 2) ~= 48 then
      lone = 1
    end
    if string.byte(row, beyond) == 48 and string.byte(row, beyond + 1) ~= 48 then
      lone = lone + 1
    end
    local cost = lone * 100000 + math.abs(2 * (at - 1) + quantity - 1 - target)
    -- Of two that are as good the caller's chance picks.
    if not best or cost < best_cost or (cost == best_cost and chance % 2 == 1) then
      best, best_cost, best_lone = at - 1, cost, lone
    end
    at = string.find(row, wanted, at + 1, true)
  end
  return best, best_lone
end

local function neighbours_from(first, quantity)
  local seats = {}
  for offset = 0, quantity - 1 do
    seats[#seats + 1] = first + offset
  end
  return seats
end
