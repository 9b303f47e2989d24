"""Each guard has a second test: without it, the test that says that it holds fails."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import test_accessible_offers
import test_allot_seats
import test_audits
import test_call_places
import test_companions
import test_entries
import test_extend_and_release
import test_faults
import test_fences
import test_hold_best
import test_hold_seats
import test_hold_stock
import test_holding_turns
import test_move_place
import test_offers
import test_open_and_join
import test_operations
import test_outages
import test_pacing_limits
import test_read_sweep_activate
import test_room_from
import test_room_kept
import test_settle_hold
import test_spend_limits
import test_swap_hold
import test_try_mail_code
import test_turnstile
import test_visits
import test_who_seats_are_for

from groundwork.redis_store import RedisStore
from tests.simulation.edited_scripts import take_out
from tests.simulation.line_in_redis import LineInRedis
from tests.simulation.script_caller import ScriptCaller
from tests.simulation.seats_in_redis import SeatsInRedis

Test = Callable[[Any], Awaitable[None]]


def asked_by(script: str, test: Callable[[SeatsInRedis, str], Awaitable[None]]) -> Test:
    """Return the test as one of this script alone."""

    async def proof(hall: SeatsInRedis) -> None:
        await test(hall, script)

    proof.__name__ = f"{test.__name__}-{script}"
    return proof


REMEMBER = "redis.call('SET', operation_key, value, 'PX', operation_ms)"

HALL: list[tuple[str, str, str, Test]] = [
    ("hold_seats", "if #taken > 0 then", "if false then",
     test_hold_seats.test_a_taken_seat_takes_the_whole_wish_with_it),
    ("hold_seats", "if count + #wish.seats > seats_max then\n    return", "if false then\n    return",
     test_hold_seats.test_a_fan_gets_no_more_than_the_limit_over_all_their_holds),
    ("hold_seats", "if ends_at and ends_at <= now then", "if ends_at and ends_at <= now + 1 then",
     test_hold_seats.test_a_hold_lives_to_its_last_millisecond_and_no_longer),
    ("hold_seats", "  k.ahead = nil\n", "",
     test_hold_seats.test_a_dead_hold_blocks_nobody_behind_hundreds_of_older_ones),
    ("hold_seats", REMEMBER, "",
     test_hold_seats.test_an_operation_whose_hold_has_ended_is_told_so_and_holds_nothing_new),
    ("hold_seats", "or #reservation.seats ~= #wish.seats then", "then",
     test_hold_seats.test_other_seats_than_just_an_own_hold_are_taken),
    ("hold_seats", "return own_hold() or offer_instead(taken)", "return offer_instead(taken)",
     test_hold_seats.test_just_the_seats_of_an_own_hold_are_that_hold_with_its_old_end),
    ("hold_seats", "remember(operation, asked, holder, nil, operation_ms)", "",
     test_hold_seats.test_an_operation_that_was_told_of_an_own_hold_makes_no_other_one),
    ("hold_seats", "    begin_holding(holding, holding_ms, rest_ms, now)\n", "",
     test_holding_turns.test_an_offer_counts_and_a_refusal_does_not),
    ("extend_hold", "rest_after(KEYS[7], reservation.expires_at_ms, tonumber(ARGV[8]), now)", "",
     asked_by("wish", test_holding_turns.test_the_rest_begins_after_what_was_given_besides)),
    ("extend_hold", "if why ~= 'kept' then", "if true then",
     test_holding_turns.test_nobody_rests_for_a_payment_that_we_cannot_end),
    ("hold_seats", "return own_hold() or {'enough', wait}", "return {'enough', wait}",
     test_holding_turns.test_who_asks_again_for_a_hold_of_theirs_gets_it_at_any_time),
    *(
        (script, text, instead, asked_by(script, test))
        for script in test_holding_turns.SCRIPTS
        for text, instead, test in (
            ("if ends - now < math.min(useful_ms, hold_ms) then", "if false then",
             test_holding_turns.test_holds_that_follow_each_other_end_together),
            ("return math.min(ends - now, hold_ms)", "return hold_ms",
             test_holding_turns.test_holds_that_follow_each_other_end_together),
            ("\nbegin_holding(holding, holding_ms, rest_ms, now)\n", "\n",
             test_holding_turns.test_holds_that_follow_each_other_end_together),
            ("if holding_ms ~= '' and not is_counting then", "if holding_ms ~= '' then",
             test_holding_turns.test_holds_that_follow_each_other_end_together),
            ("if rest_from + rest_ms <= now then", "if false then",
             test_holding_turns.test_after_the_rest_a_fan_begins_anew),
        )
    ),
    ("hold_seats", "if #kept > 0 then", "if false then",
     test_who_seats_are_for.test_an_accessible_place_is_for_fans_who_need_one),
    ("hold_seats", "return #companions > count * COMPANIONS_MAX and companions or kept", "return kept",
     test_who_seats_are_for.test_a_companions_place_is_sold_beside_an_accessible_one),
    ("hold_seats", "if not wish.is_accessible then\n    return companions", "if false then\n    return",
     test_companions.test_a_companions_place_goes_with_the_one_it_is_beside),
    ("hold_seats", "if place and not wanted[place] then", "if false then",
     test_companions.test_a_companions_place_is_in_the_hold_of_the_one_it_is_beside),
    ("hold_seats", "if not wish.places then", "if true then",
     test_accessible_offers.test_another_place_is_held_with_the_companions_beside_it),
    ("hold_seats", "if seats and cost < (wish.places + 1) * PLACE_COST then", "if seats then",
     test_accessible_offers.test_a_place_that_nobody_of_a_party_needs_is_left_even_if_it_is_nearer),
    ("hold_seats", "return places >= wish.places", "return true",
     test_accessible_offers.test_as_many_places_are_offered_as_were_wanted),
    ("hold_seats", "(place < from or place > last) then", "false then",
     test_accessible_offers.test_no_companions_place_of_somebody_else_is_offered),
    ("hold_seats", "if wish.is_theirs then", "if false then",
     test_companions.test_what_was_theirs_they_have_back_whomever_it_is_for),
    ("hold_best", "(place < from or place > last) then", "false then",
     test_companions.test_the_best_are_not_beside_somebody_elses_place),
    ("hold_seats", "or channel ~= wish.channel then", "then",
     test_who_seats_are_for.test_a_channels_seats_are_taken_for_everybody_else),
    ("release_hold", "log_seats(k, 'blocked', blocked, now)", "",
     test_who_seats_are_for.test_a_channels_seats_are_taken_for_everybody_else),
    ("hold_seats", "or count + #wish.seats > seats_max then\n    return refused", "then\n    return refused",
     test_offers.test_nothing_is_offered_to_who_may_have_no_more),
    ("hold_seats", "    remember(operation, asked, reservation_id, taken, operation_ms)\n", "",
     test_offers.test_a_repeat_is_refused_again_with_the_same_offer),
    ("hold_seats", "  end_offer(k, fan_id, now)\n", "",
     test_offers.test_a_second_refusal_makes_a_new_offer_and_keeps_one),
    ("hold_stock", "end_offer(k, fan_id, now)\n", "",
     test_offers.test_asking_for_anything_else_lets_the_offer_go),
    ("hold_best", "end_offer(k, fan_id, now)\n", "",
     test_offers.test_asking_for_anything_else_lets_the_offer_go),
    *(
        (script, "redis.call('HDEL', k.meta, 'room_from')\n", "\n",
         asked_by(way, test_room_from.test_seats_that_become_free_are_found_again))
        for way, script in test_room_from.SCRIPT_OF.items()
    ),
    ("activate_event", "redis.call('HDEL', KEYS[1], 'room_from')\n", "",
     test_room_from.test_an_event_that_is_put_in_place_anew_is_searched_from_the_first_row),
    ("hold_best", "wish.channel == '' and not next(own)", "not next(own)",
     test_room_from.test_a_channel_is_another_house),
    ("swap_hold", "wish.channel == '' and not next(own)", "wish.channel == ''",
     test_room_from.test_who_swaps_has_their_own_seats_free),
    ("hold_best", "and string.byte(status, seat_index + 1) == 51 then", "then",
     test_hold_best.test_a_channel_gets_its_own_seats_and_no_others),
    ("sweep_holds", "if reservation.offered and", "if false and",
     test_offers.test_an_offer_can_be_let_go_and_runs_out),
    ("swap_hold", "end_offer(k, fan_id, now, reservation_id)", "end_offer(k, fan_id, now)",
     test_swap_hold.test_a_swap_lets_the_offer_go_and_may_be_of_the_offer),
    ("extend_hold", "math.max(reservation.paying_until_ms or 0, now + more_ms)", "now + more_ms",
     test_swap_hold.test_what_a_payment_keeps_stays_as_it_is),
    ("read_hold", "redis.call('HDEL', k.offers, reservation.fan_id)", "",
     test_offers.test_an_offer_is_accepted_by_looking_at_it),
    ("swap_hold", "if #taken > 0 then", "if false then",
     test_swap_hold.test_what_cannot_be_won_leaves_everything_as_it_was),
    ("swap_hold", "if #kept > 0 then", "if false then",
     test_swap_hold.test_a_swap_keeps_to_who_seats_are_for),
    ("swap_hold", "if (old.paying_until_ms or 0) > now then", "if false then",
     test_swap_hold.test_what_is_being_paid_for_stays_as_it_is),
    ("swap_hold", "or old.fan_id ~= fan_id", "",
     test_swap_hold.test_nobody_swaps_a_dead_hold_or_one_of_somebody_else),
    ("swap_hold", "or old.expires_at_ms <= now then", "then",
     test_swap_hold.test_nobody_swaps_a_dead_hold_or_one_of_somebody_else),
    ("swap_hold", "if count - old_count + new_count > seats_max then", "if false then",
     test_swap_hold.test_the_limit_counts_what_is_given_back),
    ("swap_hold", "if count - old_count + new_count > seats_max then",
     "if count + new_count > seats_max then",
     test_swap_hold.test_the_limit_counts_what_is_given_back),
    ("swap_hold", "is_missing = free + own_stock < wish.quantity", "is_missing = free < wish.quantity",
     test_swap_hold.test_the_last_of_the_stock_can_be_kept_in_part),
    ("extend_hold", "reservation.paying_until_ms = math.max(reservation.paying_until_ms or 0, now + more_ms)",
     "", test_swap_hold.test_what_a_payment_keeps_stays_as_it_is),
    ("extend_hold", "if reservation.paying_for == payment then", "if true then",
     test_swap_hold.test_what_was_to_be_paid_for_may_be_changed_when_it_was_declined),
    ("extend_hold", "    reservation.paying_until_ms, reservation.paying_for = nil, nil\n", "",
     test_swap_hold.test_what_was_to_be_paid_for_may_be_changed_when_it_was_declined),
    ("extend_hold", "    reservation.paying_for = payment\n", "",
     test_swap_hold.test_what_was_to_be_paid_for_may_be_changed_when_it_was_declined),
    ("extend_hold", "if why == 'payment' or (reservation.paying_until_ms or 0) <= now then", "if true then",
     test_swap_hold.test_a_payment_that_cannot_end_leaves_a_newer_one_its_hold),
    ("extend_hold", "if why == 'payment' or (reservation.paying_until_ms or 0) <= now then",
     "if why == 'payment' then",
     test_swap_hold.test_a_payment_that_cannot_end_leaves_a_newer_one_its_hold),
    *(
        (script, "if first.asked ~= asked then", "if false then",
         asked_by(script, test_operations.test_who_asks_for_something_else_is_no_repeat))
        for script in test_operations.SCRIPTS
    ),
    ("swap_hold", REMEMBER, "", test_swap_hold.test_a_swap_asked_again_gets_its_first_answer),
    ("settle_hold", "    append_log(k.meta, k.log, 'released', reservation_id, cjson.encode(hold), now)\n",
     "", test_swap_hold.test_a_sale_of_a_hold_that_was_swapped_gives_the_rest_back),
    ("allot_seats", "if tonumber(redis.call('HGET', k.meta, 'allotment') or 0) >= version then",
     "if false then", test_allot_seats.test_the_newest_version_counts),
    ("allot_seats", "if shown ~= '1' and shown ~= '2' then", "if true then",
     test_allot_seats.test_what_somebody_has_counts_when_it_comes_back),
    ("correct_seats", "    if text then\n      end_hold", "    if false then\n      end_hold",
     test_audits.test_a_hold_on_a_sold_seat_ends),
    ("correct_seats", "if redis.call('GETRANGE', k.status, seat_index, seat_index) ~= '2' then",
     "if true then", test_audits.test_seats_are_shown_as_they_were_sold),
    ("correct_seats", "if redis.call('GETRANGE', k.status, seat_index, seat_index) == '2' then",
     "if true then", test_audits.test_a_seat_nobody_bought_becomes_what_it_is_kept_for),
    ("hold_best", REMEMBER, "",
     test_hold_best.test_an_operation_asked_again_gets_its_first_answer),
    ("hold_best", "if count + wish.quantity > seats_max then", "if false then",
     test_hold_best.test_the_limit_counts_all_holds_of_a_fan),
    ("hold_stock", REMEMBER, "",
     test_hold_stock.test_an_operation_asked_again_gets_its_first_answer),
    ("hold_stock", "tonumber(redis.call('HGET', k.stock, wish.tier) or 0) < wish.quantity", "false",
     test_hold_stock.test_there_is_never_less_than_nothing),
    ("hold_stock", "if namesake and cjson.decode(namesake).expires_at_ms > now then", "if false then",
     test_hold_stock.test_a_live_hold_is_not_made_a_second_time_under_its_name),
    ("hold_stock", "if namesake and cjson.decode(namesake).expires_at_ms > now then",
     "if namesake then", test_hold_stock.test_a_dead_hold_gives_back_before_its_name_is_used_again),
    ("hold_stock", "  remember(operation, asked, reservation_id, nil, ARGV[8])\n  return", "  return",
     test_hold_stock.test_a_live_hold_is_not_made_a_second_time_under_its_name),
    ("hold_stock", "if namesake then\n", "if false then\n",
     test_hold_stock.test_a_dead_hold_gives_back_before_its_name_is_used_again),
    ("extend_hold", "if reservation.extended then", "if false then",
     test_extend_and_release.test_a_wish_adds_to_the_old_end_once),
    ("extend_hold", "local is_repeat = redis.call('GET', operation) == reservation_id",
     "local is_repeat = false",
     test_extend_and_release.test_a_wish_asked_again_gets_its_first_answer_and_no_more_time),
    ("extend_hold", "math.max(reservation.expires_at_ms, now + more_ms)", "now + more_ms",
     test_extend_and_release.test_a_payment_never_shortens),
    ("extend_hold", "or reservation.expires_at_ms <= now then", "then",
     test_extend_and_release.test_nothing_brings_a_dead_hold_back),
    ("extend_hold", "reservation.fan_id ~= fan_id or", "",
     test_extend_and_release.test_nobody_elses_hold_can_be_read_extended_or_released),
    ("release_hold", "if reservation.fan_id ~= fan_id then", "if false then",
     test_extend_and_release.test_nobody_elses_hold_can_be_read_extended_or_released),
    ("release_hold", "if redis.call('HGET', k.holders, field) == reservation_id then", "if true then",
     test_extend_and_release.test_what_another_hold_has_is_not_given_back),
    ("settle_hold", "if redis.call('GET', operation) then", "if false then",
     test_settle_hold.test_an_outcome_is_shown_once),
    ("settle_hold", "if other_text then", "if false then",
     test_settle_hold.test_the_ledger_ends_the_holds_of_others_on_a_sold_seat),
    ("activate_event", "if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then", "if false then",
     test_read_sweep_activate.test_an_event_is_activated_once_in_an_epoch),
    ("activate_event", "if redis.call('EXISTS', staged[1]) == 0 then", "if false then",
     test_read_sweep_activate.test_what_a_store_lost_while_it_was_staged_is_not_put_in_place),
]  # fmt: skip

LINE: list[tuple[str, str, str, Test]] = [
    ("move_place", "return moved_to == to_fan_id and {'moved_before'}", "return {'moved_before'}",
     test_move_place.test_a_place_is_moved_once_and_repeated_to_the_same_device),
    ("move_place", "if from == to or", "if",
     test_move_place.test_a_place_goes_on_to_a_third_device_but_never_back),
    ("move_place", "redis.call('HEXISTS', moved, to) == 1", "false",
     test_move_place.test_a_place_goes_on_to_a_third_device_but_never_back),
    ("move_place", "or redis.call('ZSCORE', turnstile, fan_id) then", "then",
     test_move_place.test_who_stands_at_the_turnstile_is_as_good_as_inside),
    ("move_place", "if redis.call('ZSCORE', claims, fan_id) then", "if false then",
     test_move_place.test_who_is_inside_or_was_keeps_the_place),
    ("move_place", "redis.call('HDEL', places, is_general and fan_id or from)", "",
     test_move_place.test_the_old_place_is_nobodys),
    ("admit_fan", "if redis.call('HEXISTS', moved, lane .. '/' .. fan_id) == 1 then", "if false then",
     test_move_place.test_the_old_ticket_is_dead_and_the_new_one_is_good),
    ("join_line", "if redis.call('HEXISTS', moved, lane .. '/' .. fan_id) == 1 then", "if false then",
     test_move_place.test_an_entry_and_a_lane_are_moved_apart),
    ("join_line", "local place = tonumber(redis.call('HGET', places, member))", "local place = nil",
     test_open_and_join.test_a_fan_has_one_place_however_often_they_ask),
    ("join_line", "last >= ceiling", "false",
     test_open_and_join.test_no_place_is_given_above_the_ceiling),
    ("join_line", "last >= ceiling", "false",
     test_entries.test_no_entry_number_is_given_above_its_ceiling),
    ("join_line", "if entry then", "if false then",
     test_entries.test_sealing_is_done_once_and_later_fans_come_behind_everybody),
    ("join_line", "redis.call('XADD', entries, number .. '-1', 'fan', fan_id, 'from', from)", "",
     test_entries.test_what_the_roster_has_is_forgotten_and_the_rest_is_read_in_order),
    ("seal_entries", "if stored[1] ~= '1' then", "if false then",
     test_entries.test_a_line_without_a_draw_has_nothing_to_seal),
    ("seal_entries", "math.max(last_place, count)", "last_place",
     test_entries.test_sealing_is_done_once_and_later_fans_come_behind_everybody),
    ("seal_entries", "redis.call('ZADD', gaps, count + 1, last_place)", "",
     test_entries.test_no_gap_is_passed_while_entries_are_taken),
    ("open_line", "if has_gaps then", "if true then",
     test_entries.test_no_gap_is_passed_while_entries_are_taken),
    ("open_line", "math.max(entry, tonumber(ARGV[8]))", "entry",
     test_entries.test_after_a_loss_entry_numbers_go_on_above_every_one_that_may_have_been_given),
    ("join_line", "proof_of and proof_of ~= fan_id", "false",
     test_open_and_join.test_a_spent_proof_is_of_no_use_to_another_fan),
    ("join_line", "device_of and device_of ~= fan_id", "false",
     test_open_and_join.test_a_spent_proof_is_of_no_use_to_another_fan),
    ("call_places", "math.min(wanted, room, served or wanted)", "math.min(wanted, served or wanted)",
     test_call_places.test_calls_and_visits_together_stay_within_the_capacity),
    ("call_places", "math.min(wanted, room, served or wanted)", "room",
     test_call_places.test_the_first_are_called_at_once_and_come_as_their_tokens_do),
    ("call_places", "calls_open = calls_open + unclaimed", "",
     test_call_places.test_the_room_of_who_does_not_come_is_given_away_to_the_millisecond),
    ("call_places", "expected = expected + unclaimed *", "expected = expected + 0 *",
     test_call_places.test_asking_again_without_time_passing_calls_nobody),
    ("call_places", "bucket.elapsed = math.min(FLOW_MS_MAX, math.max(0, now - bucket.at_ms))",
     "bucket.elapsed = now - bucket.at_ms",
     test_call_places.test_a_clock_that_steps_back_gives_nothing_and_does_not_stop_the_line),
    ("call_places", "newest.called = newest.called + called_now", "",
     test_call_places.test_asking_again_without_time_passing_calls_nobody),
    ("admit_fan", "if lacking > bucket.rate * EARLY_MS then", "if false then",
     test_turnstile.test_who_comes_before_their_token_is_told_when_it_flows_in),
    ("admit_fan", "redis.call('HSET', line, 'spent', token)", "",
     test_turnstile.test_who_comes_before_their_token_is_told_when_it_flows_in),
    ("admit_fan", "if taken + ahead >= capacity then", "if taken >= capacity then",
     test_turnstile.test_who_came_late_first_gets_the_first_room),
    ("call_places", "local taken = inside + calls_open + at_turnstile + late",
     "local taken = inside + calls_open + at_turnstile",
     test_turnstile.test_who_came_late_goes_before_new_calls),
    ("call_places", "if tonumber(redis.call('ZSCORE', keys.turnstile, fan_id)) > lost_up_to then",
     "if true then",
     test_turnstile.test_tokens_from_before_a_crash_do_not_come_back),
    ("touch_visits", "elseif not visit and thawed_end(line, pass_ends_at) > now then",
     "elseif not visit then",
     test_turnstile.test_a_pass_that_has_ended_brings_nobody_back),
    ("end_visit", "redis.call('HSET', visit_ids, ARGV[2], 'ended:0')", "",
     test_turnstile.test_who_left_after_a_loss_is_not_taken_for_inside),
    ("call_places", "math.min(1, seats_left)", "0",
     test_pacing_limits.test_the_last_seat_is_somebodys),
    ("call_places", "if cohort.began > now then", "if false then",
     test_call_places.test_a_clock_that_steps_back_gives_nothing_and_does_not_stop_the_line),
    ("call_places", "    if ends_at then\n", "    do\n",
     test_room_kept.test_a_row_without_its_cohort_keeps_no_room),
    ("call_places", "if tonumber(first) - lane.base - 1 > reached then", "if false then",
     test_room_kept.test_for_whom_none_called_no_room_is_kept),
    ("call_places", "reached = tonumber(found[position + 1]) - lane.base",
     "reached = tonumber(found[position + 1])",
     test_room_kept.test_each_lane_has_its_own_places),
    ("admit_fan", "used_by and used_by ~= ARGV[10]", "false",
     test_visits.test_a_device_proof_is_of_no_use_to_another_request),
    ("admit_fan", "and not redis.call('ZSCORE', claims, fan_id)", "",
     test_visits.test_room_is_kept_for_one_visit_and_not_for_coming_back),
    ("admit_fan", "if is_return and returns.used_up then", "if false then",
     test_visits.test_who_comes_back_from_visit_after_visit_is_held_up),
    ("admit_fan", "      spend_limits(again_keys, again, returns, now)\n", "",
     test_visits.test_who_comes_back_from_visit_after_visit_is_held_up),
    ("admit_fan", "visit and not is_first", "visit",
     test_visits.test_what_we_failed_is_no_return),
    ("admit_fan", "visit and not is_first", "not is_first",
     test_visits.test_who_was_never_inside_may_come_late_as_often_as_they_like),
    ("admit_fan", "if taken + ahead >= capacity then", "if taken >= capacity then",
     test_turnstile.test_who_came_late_first_gets_the_first_room),
    ("admit_fan", "redis.call('HSET', line, 'spent', token)", "",
     test_turnstile.test_the_burst_enters_at_once_and_the_others_as_tokens_flow),
    ("call_places", "  wait_for_all_again(keys, now)\nelse", "else",
     test_turnstile.test_nobody_has_left_who_was_not_let_ask),
    ("touch_visits", "    seen_again(line)\n", "",
     test_turnstile.test_after_a_loss_those_inside_are_counted_until_they_were_seen_or_must_have_ended),
    ("touch_visits", "math.min(pass_ends_at, now + kept_ms)", "now + kept_ms",
     test_visits.test_nothing_keeps_a_visit_beyond_its_pass),
    ("touch_visits", "if is_new and fault.count >= FAULTS_MAX then", "if false then",
     test_faults.test_a_fourth_fault_is_given_nothing),
    ("touch_visits", "math.min(wanted, FAULTS_MS_MAX - fault.given)", "wanted",
     test_faults.test_all_faults_together_give_so_much_time_and_no_more),
    ("touch_visits", "is_new and 0 or math.max(0, since)", "0",
     test_faults.test_from_the_first_failure_to_the_last_the_clock_stands_still),
    ("touch_visits", "kept_ms = math.max(silent_ms, BACK_MS)", "",
     test_faults.test_whoever_was_failed_has_a_while_afterwards),
    ("admit_fan", "local is_first = has_credit(faults, fan_id, now)", "local is_first = false",
     test_faults.test_who_gave_up_comes_back_before_all_others_who_are_late),
    ("admit_fan", "return now - fault_of(faults, fan_id).last < CREDIT_MS",
     "return fault_of(faults, fan_id).last > 0",
     test_faults.test_a_way_back_is_open_for_a_while),
    ("admit_fan", "    use_credit(faults, fan_id)\n", "",
     test_faults.test_what_is_made_good_is_good_once_and_not_for_ever),
    ("end_visit", "use_credit(faults, ARGV[2])", "",
     test_faults.test_who_leaves_needs_no_way_back),
    ("call_places", "math.min(away_ms, now - began)", "now - began",
     test_outages.test_an_outage_is_what_neither_the_caller_nor_others_could_do),
    ("call_places", "math.min(away_ms, now - began)", "away_ms",
     test_outages.test_an_outage_is_what_neither_the_caller_nor_others_could_do),
    ("call_places", "math.min(length, FROZEN_MS_MAX)", "length",
     test_outages.test_a_long_outage_is_made_good_within_bounds),
    ("call_places", "cohort.began = cohort.began + frozen", "",
     test_outages.test_who_was_called_keeps_the_time_to_answer),
    ("call_places", "bucket.rate == 0 and now - bucket.at_ms or 0", "0",
     test_room_kept.test_a_pause_keeps_the_room_of_who_was_called),
    ("call_places", "bucket.rate == 0 and now - bucket.at_ms or 0", "now - bucket.at_ms",
     test_room_kept.test_room_is_kept_until_the_moment_from_which_a_fan_comes_late),
    ("call_places", "math.max(0, bucket.paused_ms - frozen_ms)", "(bucket.paused_ms - frozen_ms)",
     test_room_kept.test_a_clock_that_steps_back_in_a_pause_keeps_a_call_as_it_was),
    ("call_places", "if has_passed or held_ms > 0 then", "if has_passed then",
     test_room_kept.test_a_pause_keeps_the_room_of_who_was_called),
    ("call_places", "bucket.paused_ms - frozen_ms", "bucket.paused_ms",
     test_room_kept.test_an_outage_in_a_pause_counts_once),
    ("admit_fan", "address, calls_now, answer_ms", "address, now, answer_ms",
     test_room_kept.test_who_comes_in_a_pause_has_their_room),
    ("admit_fan", "calls_open(cohorts, calls_now, answer_ms)", "calls_open(cohorts, now, answer_ms)",
     test_room_kept.test_who_comes_late_in_a_pause_takes_nobodys_room),
    ("call_places", "  wait_for_all_again(keys, now)\n  return frozen", "  return frozen",
     test_outages.test_who_stood_at_the_turnstile_has_not_left),
    ("call_places", "redis.call('ZRANGEBYSCORE', keys.visits, '(' .. began,",
     "redis.call('ZRANGEBYSCORE', keys.visits, '(' .. now,",
     test_outages.test_a_visit_that_would_have_ended_meanwhile_goes_on),
    ("renew_visit", "if known_id ~= visit_id or", "if",
     test_outages.test_only_the_pass_of_the_visit_that_goes_on_is_renewed),
    ("renew_visit", "  if ends_at <= now then", "  if false then",
     test_outages.test_a_pass_from_before_a_loss_lasts_longer_by_the_outage),
    ("open_line", "  redis.call('HDEL', line, 'frozen_ms')", "",
     test_outages.test_an_outage_of_an_earlier_epoch_is_over),
    ("open_line", "if away_ms >= OUTAGE_MS_MIN then", "if true then",
     test_outages.test_without_an_outage_a_loss_gives_no_time),
    ("join_line", "if is_new and seen.used_up then", "if false then",
     test_spend_limits.test_a_flood_of_new_fans_is_stopped_and_who_has_a_place_is_not),
    ("join_line", "if is_new and seen.used_up then", "if seen.used_up then",
     test_spend_limits.test_a_flood_of_new_fans_is_stopped_and_who_has_a_place_is_not),
    ("join_line", "redis.call('PFADD', devices, fan_id)", "",
     test_spend_limits.test_an_address_with_many_devices_works_harder),
    ("spend_limits", "redis.call('PFCOUNT', KEYS[5]) > tonumber(ARGV[5])", "false",
     test_spend_limits.test_a_network_with_very_many_devices_works_harder),
    ("admit_fan", "spend_limits(own_keys, limits, seen, now)", "",
     test_spend_limits.test_a_page_that_asks_to_be_let_in_without_pause_is_slowed_down),
]  # fmt: skip

ASKING: list[tuple[str, str, str, Test]] = [
    ("spend_limits", "if seen.used_up then", "if false then",
     test_spend_limits.test_who_asks_too_often_is_told_when_to_come_back),
    ("spend_limits", "elseif kind == 'soft' then", "elseif false then",
     test_spend_limits.test_beyond_the_soft_limit_everybody_is_served_and_works_harder),
    ("spend_limits", "    if whole_at then", "    if whole_at and limit[1] ~= 'network' then",
     test_spend_limits.test_a_network_is_bounded_over_all_its_addresses),
    ("spend_limits", "  return {'used_up', seen.wait, seen.used_up}\n",
     "  spend_limits(keys, limits, seen, now)\n  return {'used_up', seen.wait, seen.used_up}\n",
     test_spend_limits.test_a_refusal_takes_nothing_from_the_others_of_an_address),
]  # fmt: skip


def named(case: tuple[str, str, str, Test]) -> str:
    return f"{case[0]}-{case[3].__name__}"


@pytest.mark.parametrize("case", HALL, ids=named)
async def test_without_it_seats_are_not_safe(
    any_store: RedisStore, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str, Test]
) -> None:
    name, guard, instead, proof = case
    take_out(monkeypatch, name, guard, instead)
    hall = SeatsInRedis(await edited_caller(any_store), "tour-berlin")
    if "event" not in proof.__code__.co_varnames[:1]:
        blocks = {"front": [(0, 10), (10, 10)], "back": [(20, 5), (25, 5)]}
        await hall.activate("0" * 30, blocks, {"standing": 20})

    with pytest.raises(AssertionError):
        await proof(hall)


@pytest.mark.parametrize("case", LINE, ids=named)
async def test_without_it_the_line_is_not_safe(
    any_store: RedisStore, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str, Test]
) -> None:
    name, guard, instead, proof = case
    take_out(monkeypatch, name, guard, instead)
    line = LineInRedis(await edited_caller(any_store), "tour")
    takes_open_line = "open_line" in proof.__code__.co_varnames
    opened = ("test_open_and_join", "test_entries", "test_spend_limits")
    if proof.__module__ in opened and takes_open_line:
        await line.open()

    with pytest.raises(AssertionError):
        await proof(line)


@pytest.mark.parametrize("case", ASKING, ids=named)
async def test_without_it_a_flood_is_not_slowed(
    any_store: RedisStore, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str, Test]
) -> None:
    name, guard, instead, proof = case
    take_out(monkeypatch, name, guard, instead)
    asking = test_spend_limits.Asking(await edited_caller(any_store))

    with pytest.raises(AssertionError):
        await proof(asking)


CODES: list[tuple[str, str, str, Test]] = [
    ("try_mail_code", "if code.tries >= tries_max then", "if false then",
     test_try_mail_code.test_three_tries_and_no_fourth),
    ("try_mail_code", "cjson.encode(code), 'KEEPTTL'", "cjson.encode(code)",
     test_try_mail_code.test_a_try_makes_no_code_last_longer),
]  # fmt: skip


@pytest.mark.parametrize("case", CODES, ids=named)
async def test_without_it_a_code_can_be_guessed(
    any_store: RedisStore, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str, Test]
) -> None:
    name, guard, instead, proof = case
    take_out(monkeypatch, name, guard, instead)

    with pytest.raises(AssertionError):
        await proof(await edited_caller(any_store))


@pytest.mark.parametrize("name", test_fences.SEAT_CALLS)
async def test_without_the_fence_an_old_epoch_is_answered(
    any_store: RedisStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    take_out(monkeypatch, name, "if found ~= epoch then", "if false then")
    hall = SeatsInRedis(await edited_caller(any_store), "tour-berlin")
    await hall.activate("0" * 30, {"front": [(0, 30)]}, {"standing": 20})

    with pytest.raises(AssertionError):
        await test_fences.test_seats_of_another_epoch_are_left_alone(hall, name)


async def edited_caller(store: RedisStore) -> ScriptCaller:
    """The scripts as they are now, on an empty server."""
    await store.call("FLUSHDB")
    caller = ScriptCaller(store)
    await caller.load()
    return caller
