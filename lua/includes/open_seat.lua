-- Show a seat as what it is kept for, now that nobody has it: the only place where seats become free. Whoever
-- searched in vain for neighbours may find some now, see includes/choose_best.lua.
local function open_seat(k, seat_index, digit)
  redis.call('SETRANGE', k.status, seat_index, digit)
  k.ahead = nil
  redis.call('HDEL', k.meta, 'room_from')
end
