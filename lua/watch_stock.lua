--[[
Share what the shop has left among all processes of a sale: one of them asks the shop, all know. And
decide, once for all of them, whether the sale is sold out.

A fact that speaks against what fans are shown must hold for a while before it is shown, and what is
shown stays for a while: the last seat may be taken and come back within seconds.

KEYS
  1 line   hash  epoch
  2 stock  hash  reading, left, taken, taken_first, ask_at_ms (before it nobody asks),
                 at_ms (when it answered), good_ms (how old that may become), is_sold_out,
                 shown_at_ms, contrary_at_ms

ARGV
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 reading    string          what the shop has just answered; "": the caller only looks
  4 left       integer or ""   how much of it can still be sold; "": the shop does not say
  5 taken      integer or ""   how much is taken, counted from wherever the shop begins
  6 every_ms   integer         how old a reading may be before the caller asks the shop anew
  7 rest_ms    integer         how long the shop is left alone after this reading; of who only looks:
                               how long it is left alone at most
  8 may_ask    0 or 1          whether the caller can ask the shop
  9 asking_ms  integer         how long others leave the asking to who was told to
  10 settle_ms integer         how long a contrary fact must hold before it is shown
  11 stay_ms   integer         how long what is shown stays

RETURNS
  {'stock', asks, reading, left, taken, age_ms, is_sold_out, good_ms}
       asks: 1, the caller is to ask the shop now; reading, left: "" while nothing is known;
       taken: how much was taken since the first reading; age_ms: of the reading;
       good_ms: how old who told it lets it become
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: the same reading again says the same.
]]
--- @include now_ms
--- @include fence

local line, stock = KEYS[1], KEYS[2]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local reading, left, taken = ARGV[3], ARGV[4], ARGV[5]
local every_ms, rest_ms, may_ask = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8] == '1'
local asking_ms, settle_ms, stay_ms = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])

local stored = redis.call('HMGET', stock, 'reading', 'left', 'taken', 'taken_first', 'ask_at_ms',
  'at_ms', 'is_sold_out', 'shown_at_ms', 'contrary_at_ms', 'good_ms')
local taken_first, ask_at = stored[4] or '', tonumber(stored[5] or 0)
local at, was_told = tonumber(stored[6] or now), stored[6]
local is_sold_out, is_decided = stored[7] == '1', stored[7] == '0' or stored[7] == '1'
-- Nothing was shown after now: that was a clock which has stepped back since.
local shown_at = math.min(tonumber(stored[8] or 0), now)
local contrary_at = math.min(tonumber(stored[9] or 0), now)
local is_new = reading ~= ''
local good_ms = tonumber(stored[10] or 0)
if reading == '' then
  reading, left, taken = stored[1] or '', stored[2] or '', stored[3] or ''
else
  at, ask_at, good_ms = now, now + rest_ms, every_ms
  if taken_first == '' then
    taken_first = taken
  end
end

-- Only a shop that tells can be sold out; one that does not answer leaves things as they were shown.
local is_gone = left ~= '' and tonumber(left) <= 0
if is_new and not is_decided then
  is_sold_out = is_gone -- nothing else was shown before
end
local contrary_before = contrary_at
if is_gone == is_sold_out or reading == '' then
  contrary_at = 0
elseif contrary_at == 0 then
  contrary_at = now
end
if contrary_at > 0 and now - contrary_at >= settle_ms and now - shown_at >= stay_ms then
  is_sold_out, shown_at, contrary_at = is_gone, now, 0
end
local is_changed = is_new or contrary_at ~= contrary_before

-- What was told after now, or is to wait for longer than anybody waits, is from before a clock stepped back.
local is_old = not is_new and (not was_told or now - at >= every_ms or at > now)
local is_left_alone = now < ask_at and ask_at - now <= math.max(rest_ms, asking_ms)
local asks = may_ask and is_old and not is_left_alone
if asks then
  ask_at = now + asking_ms
end
if asks or is_changed then
  redis.call('HSET', stock, 'reading', reading, 'left', left, 'taken', taken,
    'taken_first', taken_first, 'ask_at_ms', ask_at, 'at_ms', at, 'shown_at_ms', shown_at,
    'contrary_at_ms', contrary_at, 'good_ms', good_ms)
end
if is_new or is_decided and is_changed then
  redis.call('HSET', stock, 'is_sold_out', is_sold_out and 1 or 0)
end

local taken_since = 0
if taken ~= '' and taken_first ~= '' then
  taken_since = math.max(0, tonumber(taken) - tonumber(taken_first))
end
return {'stock', asks and 1 or 0, reading, left, taken_since, math.max(0, now - at),
  is_sold_out and 1 or 0, good_ms}
