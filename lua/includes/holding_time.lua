-- How long one fan may hold places of an event, one hold after the other: holds that follow each other end
-- together, and then others have their turn. `key` remembers when the fan began; without `holding_ms` there is
-- no bound. Return how long a new hold lasts; or nil, and how long the fan has to wait.
local function may_hold(key, hold_ms, holding_ms, rest_ms, useful_ms, now)
  local began = holding_ms ~= '' and tonumber(redis.call('GET', key))
  if not began then
    return hold_ms
  end
  local left = began + tonumber(holding_ms) - now
  if left + rest_ms <= 0 then
    redis.call('DEL', key)
    return hold_ms
  end
  if left < math.min(useful_ms, hold_ms) then
    return nil, left + rest_ms
  end
  return math.min(left, hold_ms)
end

-- Count from now on, unless it is counted already: the fan has a hold.
local function begin_holding(key, holding_ms, rest_ms, now)
  if holding_ms ~= '' then
    redis.call('SET', key, now, 'NX', 'PX', tonumber(holding_ms) + rest_ms)
  end
end
