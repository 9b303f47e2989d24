--[[
Count a try at a code that was sent by mail, and answer what the try is to be compared with.

KEYS
  1 code  string  JSON: mac, mailbox, tries

ARGV
  1 epoch      integer   not compared: a code lost with its Redis is asked for again
  2 tries_max  integer   so many tries a code is good for

RETURNS
  {'try', mac, mailbox, left}  left: how many tries there are after this one
  {'used_up'}                  it was tried too often
  {'gone'}                     there is none, or it is too old

Safe to repeat, but a repeat is a try, too.
]]

local text = redis.call('GET', KEYS[1])
if not text then
  return {'gone'}
end
local code, tries_max = cjson.decode(text), tonumber(ARGV[2])
if code.tries >= tries_max then
  return {'used_up'}
end
code.tries = code.tries + 1
redis.call('SET', KEYS[1], cjson.encode(code), 'KEEPTTL')
return {'try', code.mac, code.mailbox, tries_max - code.tries}
