-- How many fans are inside. Ended visits are dropped on sight, some at a time, and never counted.
local function fans_inside(visits, visit_ids, now)
  local ended = redis.call('ZRANGEBYSCORE', visits, '-inf', now, 'LIMIT', 0, 1000)
  for _, fan_id in ipairs(ended) do
    redis.call('ZREM', visits, fan_id)
    redis.call('HDEL', visit_ids, fan_id)
  end
  return redis.call('ZCOUNT', visits, '(' .. now, '+inf')
end
