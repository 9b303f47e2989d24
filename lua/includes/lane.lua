-- What the lanes of a sale share: one zset of gaps and one of calls, by address. The address of a
-- place is the place itself in the general line, and beyond all of its places in a lane.
local LANE_SPAN = 2 ^ 40 -- more places than will ever be given; 8,000 lanes fit into a double

-- How a lane's fields are called in the line's hash: the general line's have no ending.
local function lane_field(name, lane)
  return lane == 'general' and name or name .. ':' .. lane
end

-- The address before a lane's first place; nil for a lane that nobody has opened.
local function lane_base(line, lane)
  if lane == 'general' then
    return 0
  end
  local number = redis.call('HGET', line, lane_field('number', lane))
  return number and tonumber(number) * LANE_SPAN
end

-- The same, and a lane is opened that was not.
local function open_lane(line, lane)
  local base = lane_base(line, lane)
  if not base then
    local number = redis.call('HINCRBY', line, 'lanes_opened', 1)
    redis.call('HSET', line, lane_field('number', lane), number,
      lane_field('last_place', lane), 0, lane_field('ceiling', lane), 0,
      lane_field('serving', lane), 0)
    base = number * LANE_SPAN
  end
  return base
end
