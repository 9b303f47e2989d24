-- How many of the best blocks with room are drawn from: enough that simultaneous askers spread out,
-- few enough that nobody is sent far from the stage.
local BLOCKS_DRAWN_FROM = 8

-- The status with every seat but the allowed ones shown as taken.
local function masked(status, allowed)
  local shown, last = {}, 0
  table.sort(allowed)
  for _, seat_index in ipairs(allowed) do
    shown[#shown + 1] = string.rep('3', seat_index - last)
    shown[#shown + 1] = string.sub(status, seat_index + 1, seat_index + 1)
    last = seat_index + 1
  end
  return table.concat(shown)
end

-- Where in the row the asked-for neighbours sit best, as an offset from 1, or nil: near the middle,
-- and without leaving a lone free seat beside them if that can be helped.
local function best_offset(row, quantity)
  local wanted, middle = string.rep('0', quantity), (#row - quantity) / 2 + 1
  local best, best_cost = nil, nil
  local from = 1
  while true do
    local at = string.find(row, wanted, from, true)
    if not at then
      return best, best_cost
    end
    local before, after = string.sub(row, 1, at - 1), string.sub(row, at + quantity)
    local lone = 0
    if string.match(before, '[^0]0$') or before == '0' then
      lone = lone + 1
    end
    if string.match(after, '^0[^0]') or after == '0' then
      lone = lone + 1
    end
    local cost = lone * 1000 + math.abs(at - middle)
    if not best or cost < best_cost then
      best, best_cost = at, cost
    end
    from = at + 1
  end
end

-- Neighbouring seats in one of the best blocks that have room, or nil.
local function best_run(status, blocks, quantity, chance)
  local tidy, untidy = {}, {}
  for _, block in ipairs(blocks) do
    local first, length = block[1], block[2]
    if length >= quantity then
      local row = string.sub(status, first + 1, first + length)
      local at, cost = best_offset(row, quantity)
      if at then
        local found = cost < 1000 and tidy or untidy
        found[#found + 1] = first + at - 1
        if #tidy >= BLOCKS_DRAWN_FROM then
          break
        end
      end
    end
  end
  local found = #tidy > 0 and tidy or untidy
  if #found == 0 then
    return nil
  end
  local start = found[chance % math.min(#found, BLOCKS_DRAWN_FROM) + 1]
  local seats = {}
  for offset = 0, quantity - 1 do
    seats[#seats + 1] = start + offset
  end
  return seats
end

-- Any free seats, from the best blocks in order, or nil when there are not enough.
local function scattered(status, blocks, quantity)
  local seats = {}
  for _, block in ipairs(blocks) do
    for seat_index = block[1], block[1] + block[2] - 1 do
      if string.byte(status, seat_index + 1) == 48 then
        seats[#seats + 1] = seat_index
        if #seats == quantity then
          return seats
        end
      end
    end
  end
  return nil
end
