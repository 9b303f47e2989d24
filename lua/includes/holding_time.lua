-- How long one fan may hold places of an event, one hold after the other: holds that follow each other end
-- together, and then others have their turn. `key` remembers until when new holds may last, and from when on
-- the fan rests, which is later where the last hold was given more time. Without `holding_ms` there is no bound.
local function read_holding(key)
  local value = redis.call('GET', key)
  local ends, rest_from = string.match(value or '', '^(%d+) (%d+)$')
  return tonumber(ends), tonumber(rest_from)
end

local function write_holding(key, ends, rest_from, rest_ms, now)
  redis.call('SET', key, string.format('%.0f %.0f', ends, rest_from), 'PX', rest_from + rest_ms - now)
end

-- Whether the fan's time is counted already.
local is_counting = false

-- Return how long a new hold lasts; or nil, and how long the fan has to wait. Comes before `begin_holding`.
local function may_hold(key, hold_ms, holding_ms, rest_ms, useful_ms, now)
  local ends, rest_from = read_holding(key)
  if holding_ms == '' or not ends then
    return hold_ms
  end
  if rest_from + rest_ms <= now then
    return hold_ms
  end
  if ends - now < math.min(useful_ms, hold_ms) then
    return nil, rest_from + rest_ms - now
  end
  is_counting = true
  return math.min(ends - now, hold_ms)
end

-- Count from now on, unless it is counted already: the fan has a hold.
local function begin_holding(key, holding_ms, rest_ms, now)
  if holding_ms ~= '' and not is_counting then
    local ends = now + tonumber(holding_ms)
    write_holding(key, ends, ends, rest_ms, now)
  end
end

-- The fan's hold was given more time: they rest from its end on.
local function rest_after(key, ends_at, rest_ms, now)
  local ends, rest_from = read_holding(key)
  if ends and ends_at > rest_from then
    write_holding(key, ends, ends_at, rest_ms, now)
  end
end
