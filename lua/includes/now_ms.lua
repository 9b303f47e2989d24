-- The time the rules go by, in milliseconds. "" means this server's own clock: the one clock that
-- all processes share. Only tests and simulations pass a number.
local function now_ms(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
