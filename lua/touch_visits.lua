--[[
Keep the visits of fans who were seen; whoever is silent for long ends on its own. A fan whose pass is good
and of whom this Redis has never heard was let in before it lost what it knew: their visit goes on. Whoever
was failed by us is given time: see includes/faults.lua.

KEYS
  1 line       hash  epoch, unseen
  2 visits     zset  fan_id, scored by the end of the visit
  3 visit_ids  hash  fan_id -> visit_id:end of the pass
  4 faults     hash  see includes/faults.lua

ARGV
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 silent_ms  integer         how long a visit outlives its last request
  4 seen       JSON array      of [fan_id, visit_id, end of the pass, 1 if we failed them just now or 0]

RETURNS
  {'touched', count, faults, given_ms}  how many are inside, how many met a new fault, time given in all
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: ends are counted from now and never pass the end of the pass. A visit that has ended
stays ended: its room may be another's by now.
]]
--- @include now_ms
--- @include fence
--- @include fans_inside
--- @include frozen
--- @include faults

local line, visits, visit_ids, faults = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now, silent_ms = now_ms(ARGV[2]), tonumber(ARGV[3])
local count, new_faults, given_ms = 0, 0, 0
for _, seen in ipairs(cjson.decode(ARGV[4])) do
  local fan_id, visit_id, pass_ends_at = seen[1], seen[2], seen[3]
  local visit, ends_at = redis.call('HGET', visit_ids, fan_id), redis.call('ZSCORE', visits, fan_id)
  if visit and ends_at and tonumber(ends_at) > now then
    -- The end this Redis knows is the visit's own; another pass of the same fan may end elsewhere.
    pass_ends_at = tonumber(string.match(visit, ':(%d+)$'))
    visit_id = string.match(visit, '^(.*):%d+$')
  elseif not visit and thawed_end(line, pass_ends_at) > now then
    pass_ends_at = thawed_end(line, pass_ends_at)
    redis.call('HSET', visit_ids, fan_id, string.format('%s:%d', visit_id, pass_ends_at))
    seen_again(line)
  else
    pass_ends_at = nil
  end
  if pass_ends_at then
    local kept_ms = silent_ms
    if seen[4] == 1 then
      local given, is_new = note_fault(faults, fan_id, now, pass_ends_at)
      if given > 0 then
        pass_ends_at = pass_ends_at + given
        redis.call('HSET', visit_ids, fan_id, string.format('%s:%d', visit_id, pass_ends_at))
        kept_ms = math.max(silent_ms, BACK_MS)
      end
      new_faults, given_ms = new_faults + (is_new and 1 or 0), given_ms + given
    end
    redis.call('ZADD', visits, math.min(pass_ends_at, now + kept_ms), fan_id)
    count = count + 1
  end
end
return {'touched', count, new_faults, given_ms}
