--[[
Give a fan the next place in line, once.

KEYS
  1 line    hash    epoch, last_place, ceiling
  2 places  hash    fan_id -> place
  3 proof   string  set once this proof of work, or waiting proof, has been spent
  4 device  string  set once this device proof (DPoP jti) has been spent

ARGV
  1 epoch       integer
  2 fan_id      string
  3 spent_ms    integer   how long spent proofs are remembered: longer than they are valid

RETURNS
  {'joined', place, left}           left: how many places may be given before more are leased
  {'joined_before', place, left}    the fan has had a place all along
  {'replayed', what}                "proof" or "device": somebody has used it before
  {'no_places'}                     lease more places in PostgreSQL, then repeat
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: the same fan with the same proof gets the same place; another fan with it is refused.
]]
--- @include fence

local line, places, proof, device = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local fan_id, spent_ms = ARGV[2], ARGV[3]

local proof_of = redis.call('GET', proof)
if proof_of and proof_of ~= fan_id then
  return {'replayed', 'proof'}
end
local device_of = redis.call('GET', device)
if device_of and device_of ~= fan_id then
  return {'replayed', 'device'}
end

local last_place = tonumber(redis.call('HGET', line, 'last_place'))
local ceiling = tonumber(redis.call('HGET', line, 'ceiling'))
local place = tonumber(redis.call('HGET', places, fan_id))
if not place and last_place >= ceiling then
  return {'no_places'}
end

redis.call('SET', proof, fan_id, 'PX', spent_ms)
redis.call('SET', device, fan_id, 'PX', spent_ms)
if place then
  return {'joined_before', place, ceiling - last_place}
end
place = redis.call('HINCRBY', line, 'last_place', 1)
redis.call('HSET', places, fan_id, place)
return {'joined', place, ceiling - place}
