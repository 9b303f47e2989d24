-- Fans who have answered and stand before the turnstile: with a token that has not flowed in yet, or, when
-- they came late to a full house, waiting for room. Who asks no more has left.
--
--   turnstile   zset  fan_id, scored by the token (in units of flow) that lets them in; 0: it was given back
--   late   zset  fan_id, scored by the moment they came; the first gets the first room
--   asked  zset  fan_id of either, scored by the moment they asked last
--
-- Nobody waits longer with a token than for a page that comes back a bit late: others may have it.
local OVERDUE_MS = 5000
-- Three times as long as anybody here is told to wait before asking again; their room is kept so long.
local ASKED_MS = 30000

-- Take back tokens that are overdue, and drop who has left, some at a time; answers how many tokens
-- come back. An overdue fan who comes after all is let in at once, and takes the next token. Tokens
-- from before a crash do not come back: their fans may have entered in the moment that was lost.
local function forget_the_gone(keys, bucket, now)
  local tokens, lost_up_to = 0, tonumber(redis.call('HGET', keys.line, 'lost_up_to') or 0)
  for _, fan_id in ipairs(redis.call('ZRANGEBYSCORE', keys.turnstile, '(0',
      bucket.flow - bucket.rate * OVERDUE_MS, 'LIMIT', 0, 500)) do
    if tonumber(redis.call('ZSCORE', keys.turnstile, fan_id)) > lost_up_to then
      tokens = tokens + 1
    end
    redis.call('ZADD', keys.turnstile, 0, fan_id)
  end
  for _, fan_id in ipairs(redis.call('ZRANGEBYSCORE', keys.asked, '-inf', now - ASKED_MS,
      'LIMIT', 0, 500)) do
    if tonumber(redis.call('ZSCORE', keys.turnstile, fan_id) or 0) > lost_up_to then
      tokens = tokens + 1
    end
    redis.call('ZREM', keys.turnstile, fan_id)
    redis.call('ZREM', keys.late, fan_id)
    redis.call('ZREM', keys.asked, fan_id)
  end
  return tokens
end

-- After a pause in which nobody could ask, everybody has asked just now.
local function wait_for_all_again(keys, now)
  for _, fan_id in ipairs(redis.call('ZRANGEBYSCORE', keys.asked, '-inf', '(' .. now)) do
    redis.call('ZADD', keys.asked, now, fan_id)
  end
end
