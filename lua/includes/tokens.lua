-- The token bucket, full at first and paid at the turnstile: whoever answers a call takes the next token,
-- which may not have flowed in yet, and enters when it has. So no minute sees more fans enter than the
-- rate gives, and none fewer for as long as somebody stands there. Counted in whole units, so that
-- nothing is lost.
local TOKEN_UNITS = 60000 -- a rate of one a minute gives one unit a millisecond
-- Ticks come several times a second. A longer silence was an outage: what it would have given is lost,
-- but for a second's worth, or the minute after it would see too many.
local FLOW_MS_MAX = 1000
-- Who is earlier than this is let in at once: nobody is sent away for a blink.
local EARLY_MS = 100

-- The bucket as it stands now, by the rate of the last tick; only a tick stores what has flowed.
local function bucket_now(line, now)
  local stored = redis.call('HMGET', line, 'flow', 'spent', 'at_ms', 'rate_now', 'burst_now')
  local bucket = {
    flow = tonumber(stored[1] or 0), spent = tonumber(stored[2] or 0), is_new = not stored[3],
    rate = tonumber(stored[4] or 0), burst = tonumber(stored[5] or 0), at_ms = tonumber(stored[3] or now),
  }
  -- A clock that stepped back gives nothing and takes nothing.
  bucket.elapsed = math.min(FLOW_MS_MAX, math.max(0, now - bucket.at_ms))
  bucket.flow = bucket.flow + bucket.elapsed * bucket.rate
  -- How long nothing has been to flow since: so long the clock of the called stands still.
  bucket.paused_ms = bucket.rate == 0 and now - bucket.at_ms or 0
  bucket.spent = math.max(bucket.spent, bucket.flow - bucket.burst * TOKEN_UNITS)
  return bucket
end
