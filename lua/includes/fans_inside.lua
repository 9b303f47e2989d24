-- How many fans are inside. Ended visits are dropped on sight, some at a time, and never counted; the
-- visit's name stays, for it tells a fan who was inside from one whom this Redis has never heard of.
-- Those whom a Redis that lost all has not seen again are counted too, until they must have ended.
local function fans_inside(line, visits, now)
  local ended = redis.call('ZCOUNT', visits, '-inf', now)
  if ended > 0 then
    redis.call('ZREMRANGEBYRANK', visits, 0, math.min(ended, 1000) - 1)
  end
  local unseen = redis.call('HMGET', line, 'unseen', 'unseen_until_ms')
  return redis.call('ZCOUNT', visits, '(' .. now, '+inf')
    + (now < tonumber(unseen[2] or 0) and tonumber(unseen[1]) or 0)
end

-- A fan from before the loss has been seen: one less is to be waited for.
local function seen_again(line)
  if tonumber(redis.call('HGET', line, 'unseen') or 0) > 0 then
    redis.call('HINCRBY', line, 'unseen', -1)
  end
end
