-- Make good a time in which nobody could move the line: visits and calls that were alive as it began, and room
-- kept for the unseen, last longer by it. Answers how much longer.
--
-- `away_ms`: how long the caller could not; what others did meanwhile is in the line's own last moment. The
-- caller's part alone would be guessed by its clock, the line's alone could be a sale that nobody moves.
local function freeze_clocks(keys, now, away_ms)
  local began = tonumber(redis.call('HGET', keys.line, 'at_ms') or now)
  local length = math.min(away_ms, now - began)
  if length < OUTAGE_MS_MIN then
    return 0
  end
  local frozen = note_outage(keys.line, length)
  local alive = redis.call('ZRANGEBYSCORE', keys.visits, '(' .. began, '+inf', 'WITHSCORES')
  for position = 1, #alive, 2 do
    local fan_id, ends_at = alive[position], tonumber(alive[position + 1])
    local visit_id, pass_ends_at =
      string.match(redis.call('HGET', keys.visit_ids, fan_id) or '', '^(.*):(%d+)$')
    if visit_id then
      redis.call('HSET', keys.visit_ids, fan_id,
        string.format('%s:%d', visit_id, tonumber(pass_ends_at) + frozen))
    end
    redis.call('ZADD', keys.visits, ends_at + frozen, fan_id)
  end
  for _, cohort in ipairs(read_cohorts(keys.cohorts)) do
    cohort.began = cohort.began + frozen
    put_cohort(keys.cohorts, cohort)
  end
  local unseen_until = tonumber(redis.call('HGET', keys.line, 'unseen_until_ms') or 0)
  if unseen_until > began then
    redis.call('HSET', keys.line, 'unseen_until_ms', unseen_until + frozen)
  end
  wait_for_all_again(keys, now)
  return frozen
end
