-- End a hold, and say in the log why: 'expired' or 'released'. The parts it needs are made when it is called:
-- to make a function takes the server longer than a small one runs, and few calls of a script end a hold.
local function end_hold(k, reservation_id, text, kind, now)
  --- @include log_seats
  --- @include open_seat
  --- @include free_hold
  local blocked = free_hold(k, reservation_id, cjson.decode(text))
  append_log(k.meta, k.log, kind, reservation_id, text, now)
  -- Readers took the seats of that entry for free.
  log_seats(k, 'blocked', blocked, now)
end
