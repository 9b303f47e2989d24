-- One entry in the event's stream, and its number. Readers find a lost entry by a missing number.
local function append_log(meta_key, log_key, kind, reservation_id, reservation_json, now)
  local seq = redis.call('HINCRBY', meta_key, 'seq', 1)
  redis.call('XADD', log_key, seq .. '-1', 'kind', kind, 'reservation_id', reservation_id,
    'reservation', reservation_json, 'at', now)
  return seq
end
