-- Accessible places that are weighed at most, best first.
local PLACES_WEIGHED_MAX = 128

-- What one more accessible place costs a choice: more than anything else about it.
local PLACE_COST = 10000

local function is_within(ranges, number)
  for _, range in ipairs(ranges) do
    if number >= range[1] and number <= range[2] then
      return true
    end
  end
  return false
end

-- Whether so many neighbours from a seat on have the accessible places that are needed, and no companion's
-- place without the one it is beside: that is kept for who needs that one.
local function is_fit(window, from, wish, known)
  local last, places = from + #window - 1, 0
  for seat_index = from, last do
    if known.places[seat_index] then
      places = places + 1
    end
    local place = known.place_of[seat_index]
    if place and string.byte(window, seat_index - from + 1) == 53 and (place < from or place > last) then
      return false
    end
  end
  return places >= wish.places
end

-- The best neighbours around one accessible place, or nil: other accessible places are left to others,
-- companions' places go before ordinary ones. `place` counts from 1, `first` is the first seat of the row.
local function window_around(row, first, place, heart, wish, known)
  local best, best_cost, quantity = nil, nil, wish.quantity
  for at = math.max(1, place - quantity + 1), math.min(place, #row - quantity + 1) do
    local window = string.sub(row, at, at + quantity - 1)
    if not string.find(window, '[^045]') and is_fit(window, first + at - 1, wish, known) then
      local _, places = string.gsub(window, '4', '')
      local _, ordinary = string.gsub(window, '0', '')
      local cost = places * PLACE_COST + ordinary * 100 + math.abs(2 * (at - 1) + quantity - 1 - heart)
      if not best or cost < best_cost then
        best, best_cost = at - 1, cost
      end
    end
  end
  return best, best_cost
end

-- Neighbours with the accessible places that are needed, or nil; any free accessible place; and what the
-- neighbours cost others.
local function choose_beside(house, wish)
  local status, plan = house.status, house.plan
  local last = #plan / BLOCK_BYTES - 1
  local found, lowest, weighed, any = {}, nil, 0, nil
  local known = {places = {}, place_of = {}}
  for _, seat_index in ipairs(wish.accessible) do
    known.places[seat_index] = true
  end
  for _, pair in ipairs(wish.companions) do
    known.place_of[pair[1]] = pair[2]
  end
  for _, seat_index in ipairs(wish.accessible) do
    local digit = string.sub(status, seat_index + 1, seat_index + 1)
    local number = block_of(plan, seat_index, 0, last)
    if (digit == '4' or digit == '0') and is_within(wish.ranges, number) then
      any = any or seat_index
      local first, length, heart, grade = block_at(plan, number)
      local row = string.sub(status, first + 1, first + length)
      local offset, cost = window_around(row, first, seat_index - first + 1, heart, wish, known)
      if offset and (not lowest or cost < lowest) then
        found, lowest = {grade = grade}, cost
      end
      if offset and cost == lowest and grade == found.grade and #found < EQUALS_MAX then
        found[#found + 1] = first + offset
      end
      weighed = weighed + 1
      if weighed == PLACES_WEIGHED_MAX then
        break
      end
    end
  end
  return lowest and neighbours_from(found[wish.chance % #found + 1], wish.quantity), any, lowest
end
