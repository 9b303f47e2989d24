-- How many fans are inside. Visits that have ended are never counted. Those whom a Redis that lost all has
-- not seen again are counted too, until they must have ended.
local function fans_inside(line, visits, now)
  local unseen = redis.call('HMGET', line, 'unseen', 'unseen_until_ms')
  return redis.call('ZCOUNT', visits, '(' .. now, '+inf')
    + (now < tonumber(unseen[2] or 0) and tonumber(unseen[1]) or 0)
end

-- Drop ended visits, some at a time; only who moves the line may, for after an outage they may go on. The
-- visit's name stays: it tells a fan who was inside from one whom this Redis has never heard of.
local function drop_ended(visits, now)
  local ended = redis.call('ZCOUNT', visits, '-inf', now)
  if ended > 0 then
    redis.call('ZREMRANGEBYRANK', visits, 0, math.min(ended, 1000) - 1)
  end
end

-- A fan from before the loss has been seen: one less is to be waited for.
local function seen_again(line)
  if tonumber(redis.call('HGET', line, 'unseen') or 0) > 0 then
    redis.call('HINCRBY', line, 'unseen', -1)
  end
end
