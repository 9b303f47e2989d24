-- Rows weighed for all ways to split a party, together: a fraction of a millisecond.
local SPLITS_WEIGHED_MAX = 96

-- The smaller part of a party near the larger one: in the same row, the row before, the row behind.
local function partner_of(status, plan, number, start, big, small, chance)
  local first, length, heart, _, nearer, farther = block_at(plan, number)
  local middle = 2 * (start - first) + big - 1
  for _, other in ipairs({number, nearer, farther}) do
    if other ~= NO_BLOCK then
      local its_first, its_length, its_heart = block_at(plan, other)
      local row = string.sub(status, its_first + 1, its_first + its_length)
      local target = its_heart + middle - heart
      if other == number then
        local at = start - first
        row = string.sub(row, 1, at) .. string.rep('1', big) .. string.sub(row, at + big + 1)
        target = middle
      end
      local offset = best_window(row, target, small, chance)
      if offset then
        return its_first + offset
      end
    end
  end
  return nil
end

-- A party in two parts, in neighbouring rows of a tier, or nil: halves before other parts, and nobody
-- alone if that can be helped.
local function choose_split(house, range, quantity, chance)
  local status, plan = house.status, house.plan
  local chosen, weighed = nil, 0
  for small = math.floor(quantity / 2), 1, -1 do
    local big = quantity - small
    each_with_room(house, range, big, function(number, first, length, heart)
      local row = string.sub(status, first + 1, first + length)
      local start = first + best_window(row, heart, big, chance)
      local other = partner_of(status, plan, number, start, big, small, chance)
      if other then
        chosen = neighbours_from(start, big)
        for _, seat_index in ipairs(neighbours_from(other, small)) do
          chosen[#chosen + 1] = seat_index
        end
      end
      weighed = weighed + 1
      return chosen ~= nil or weighed >= SPLITS_WEIGHED_MAX
    end)
    if chosen or weighed >= SPLITS_WEIGHED_MAX then
      return chosen
    end
  end
  return nil
end

-- Free seats of the tiers wherever they are, best first, or nil when there are not enough: pairs and
-- more together before single seats. `without` are seats that are chosen already.
local function choose_scattered(house, ranges, quantity, without)
  -- Nobody is told that a house is sold out by what was noted of it.
  local whole = {status = house.status, plan = house.plan, room_from = {}}
  local seats, chosen = {}, {}
  for _, seat_index in ipairs(without) do
    chosen[seat_index] = true
  end
  local function take(seat_index)
    if #seats < quantity and not chosen[seat_index] then
      chosen[seat_index] = true
      seats[#seats + 1] = seat_index
    end
    return #seats == quantity
  end
  for _, together in ipairs({2, 1}) do
    for _, range in ipairs(ranges) do
      each_with_room(whole, range, together, function(_, first, length)
        local from = first + 1
        while #seats < quantity do
          local at = string.find(whole.status, string.rep('0', together), from, true)
          if not at or at - 1 + together > first + length then
            break
          end
          local missing = quantity - #seats
          if together == 1 or missing >= 2 then
            for offset = 0, together - 1 do
              take(at - 1 + offset)
            end
          end
          from = at + together
        end
        return #seats == quantity or (together == 2 and quantity - #seats < 2)
      end)
    end
  end
  return #seats == quantity and seats or nil
end
