--[[
Choose the best free seats of the given tiers and hold them, all or none, in one step: what was
chosen cannot be gone by the time it is held.

Neighbours in one block first, the best-ranked block that has room, nearest to its middle, leaving no
single seat alone where the block allows it; among the first blocks with room the caller's random
number picks, so that a thousand askers do not want the same seats. Failing that, single seats of one
tier, from the best-ranked blocks in order; failing that, of all the tiers together.

KEYS
  1 meta          hash    epoch, seq
  2 status        string  one character a seat: 0 free, 1 held, 2 sold, 3 blocked
  3 holders       hash    seat_index -> reservation_id
  4 reservations  hash    reservation_id -> JSON
  5 expiries      zset    reservation_id, scored by the millisecond it runs out
  6 fan_counts    hash    fan_id -> seats held or bought
  7 stock         hash    tier -> how many are free
  8 log           stream  this epoch's changes
  9 blocks        hash    tier -> JSON of [first_index, length], best first
  10 operation    string  the reservation this operation made before, if it was run before

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 hold_ms         integer         how long the hold lasts
  4 fan_id          string
  5 seats_max       integer         per fan, held and bought together
  6 quantity        integer         1 .. seats_max
  7 tiers           JSON array      the tiers that will do, wanted ones first
  8 allowed         JSON array      of seat indexes to choose from, or [] for any
  9 chance          integer         a random number, 0 or more
  10 reservation_id string          the name of the reservation to make
  11 operation_ms   integer         how long a repeat is recognised

RETURNS
  {'held', reservation_id, reservation}    the reservation says which seats
  {'gone', reservation_id}                 an earlier run held some, and that hold has ended
  {'sold_out', due}                        not enough is free; so many dead holds are not swept yet
  {'over_limit', count, due}               no seat was held; the fan has so many, and so many dead
                                           holds, perhaps theirs among them, are not swept yet
  {'not_loaded'} {'fenced', epoch}         see includes/fence.lua

Safe to repeat: the operation is remembered.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include free_hold
--- @include sweep_due
--- @include put_hold
--- @include repeated_hold
--- @include best_run

local k = {
  meta = KEYS[1], status = KEYS[2], holders = KEYS[3], reservations = KEYS[4], expiries = KEYS[5],
  fan_counts = KEYS[6], stock = KEYS[7], log = KEYS[8],
}
local blocks_key, operation = KEYS[9], KEYS[10]
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local expires_at = now + tonumber(ARGV[3])
local fan_id = ARGV[4]
local seats_max = tonumber(ARGV[5])
local quantity = tonumber(ARGV[6])
local tiers = cjson.decode(ARGV[7])
local allowed = cjson.decode(ARGV[8])
local chance = tonumber(ARGV[9])
local reservation_id = ARGV[10]

local repeated = repeated_hold(k, operation, now)
if repeated then
  return repeated
end

sweep_due(k, now, 200)

local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
if count + quantity > seats_max then
  return {'over_limit', count, redis.call('ZCOUNT', k.expiries, '-inf', now)}
end

local status = redis.call('GET', k.status) or ''
if #allowed > 0 then
  status = masked(status, allowed)
end

local chosen = nil
for _, tier in ipairs(tiers) do
  local blocks = cjson.decode(redis.call('HGET', blocks_key, tier) or '[]')
  chosen = best_run(status, blocks, quantity, chance)
  if chosen then
    break
  end
end
if not chosen then
  local all_blocks = {}
  for _, tier in ipairs(tiers) do
    local blocks = cjson.decode(redis.call('HGET', blocks_key, tier) or '[]')
    chosen = scattered(status, blocks, quantity)
    if chosen then
      break
    end
    for _, block in ipairs(blocks) do
      all_blocks[#all_blocks + 1] = block
    end
  end
  chosen = chosen or scattered(status, all_blocks, quantity)
end
if not chosen then
  return {'sold_out', redis.call('ZCOUNT', k.expiries, '-inf', now)}
end

local text = put_hold(k, reservation_id, {
  fan_id = fan_id, seats = chosen, expires_at_ms = expires_at, extended = false,
}, now)
redis.call('SET', operation, reservation_id, 'PX', ARGV[11])
return {'held', reservation_id, text}
