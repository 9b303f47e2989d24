--[[
Give a fan an entry number before the draw's roster is sealed, and the next place in line after it; once.
Who belongs to a lane of their own takes no part in the draw and gets the lane's next place at any time.

KEYS
  1 line           hash    epoch, entering, last_entry, entry_ceiling; each lane's last_place, ceiling
  2 places         hash    fan_id -> place in the general line, lane/fan_id -> place in a lane
  3 entry_numbers  hash    fan_id -> entry number
  4 entries        stream  entry number-1 -> fan, from: what the roster in PostgreSQL may not have yet
  5 moved          hash    lane/fan_id of places that are another device's by now: see move_place.lua
  6 proof          string  set once this proof of work, or waiting proof, has been spent
  7 device         string  set once this device proof (DPoP jti) has been spent
  8 address          hash         see includes/limits.lua
  9 network          hash         the same for all addresses around it
  10 address_devices  hyperloglog  who joined from the address
  11 network_devices  hyperloglog  who joined from the network

ARGV
  1 epoch       integer
  2 fan_id      string
  3 lane        string    "general" or one of the sale's lanes
  4 spent_ms    integer   how long spent proofs are remembered: longer than they are valid
  5 now_ms      integer or ""   see includes/now_ms.lua
  6 limits      json array      rows of whose, kind, every_ms, burst; none: nobody counts where joins come from
  7 devices_ms  integer         how long who joined is remembered after the last who did
  8 came_from   string or ""    network and kind of client, kept with an entry until the sealing; "": nobody counts

RETURNS
  {'entered', entry, left}          left: how many numbers may be given before more are leased
  {'entered_before', entry, left}   the fan is in the roster, sealed or not
  {'joined', place, left}           left: how many places may be given before more are leased
  {'joined_before', place, left}    the fan has had a place all along
  {'moved'}                         the fan's place in the lane was moved to another device
  {'replayed', what}                "proof" or "device": somebody has used it before
  {'used_up', wait_ms, whose}       too many new fans from there; the fan has no place, the proof is good still
  {'no_entries', last}              lease more entry numbers in PostgreSQL, then repeat
  {'no_places', last}               lease more places above the last one in PostgreSQL, then repeat
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: the same fan with the same proof gets the same number; another fan with it is refused.
]]
--- @include now_ms
--- @include fence
--- @include lane
--- @include limits

local line, places, entry_numbers, entries, moved, proof, device =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local limit_keys = {address = KEYS[8], network = KEYS[9]}
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local fan_id, lane, spent_ms = ARGV[2], ARGV[3], ARGV[4]
local is_general = lane == 'general'
local member = is_general and fan_id or lane .. '/' .. fan_id

if redis.call('HEXISTS', moved, lane .. '/' .. fan_id) == 1 then
  return {'moved'}
end
local proof_of = redis.call('GET', proof)
if proof_of and proof_of ~= fan_id then
  return {'replayed', 'proof'}
end
local device_of = redis.call('GET', device)
if device_of and device_of ~= fan_id then
  return {'replayed', 'device'}
end

open_lane(line, lane)
local is_entering = is_general and redis.call('HGET', line, 'entering') == '1'
local counter = is_entering and 'last_entry' or lane_field('last_place', lane)
local last = tonumber(redis.call('HGET', line, counter))
local ceiling = tonumber(redis.call('HGET', line, is_entering and 'entry_ceiling'
  or lane_field('ceiling', lane)))
local entry = is_general and tonumber(redis.call('HGET', entry_numbers, fan_id))
local place = tonumber(redis.call('HGET', places, member))
if not entry and not place and last >= ceiling then
  return {is_entering and 'no_entries' or 'no_places', last}
end
local now, limits = now_ms(ARGV[5]), cjson.decode(ARGV[6])
local seen = look_at_limits(limit_keys, limits, now)
local is_new = not entry and not place
if is_new and seen.used_up then
  return {'used_up', seen.wait, seen.used_up}
end

redis.call('SET', proof, fan_id, 'PX', spent_ms)
redis.call('SET', device, fan_id, 'PX', spent_ms)
if entry then
  return {'entered_before', entry, ceiling - last}
end
if place then
  return {'joined_before', place, ceiling - last}
end
if #limits > 0 then
  spend_limits(limit_keys, limits, seen, now)
  for _, devices in ipairs({KEYS[10], KEYS[11]}) do
    redis.call('PFADD', devices, fan_id)
    redis.call('PEXPIRE', devices, ARGV[7])
  end
end
local number = redis.call('HINCRBY', line, counter, 1)
if is_entering then
  redis.call('HSET', entry_numbers, fan_id, number)
  local from = ARGV[8] == '' and '' or ARGV[8] .. ':' .. math.floor(now / 1000)
  redis.call('XADD', entries, number .. '-1', 'fan', fan_id, 'from', from)
  return {'entered', number, ceiling - number}
end
redis.call('HSET', places, member, number)
return {'joined', number, ceiling - number}
