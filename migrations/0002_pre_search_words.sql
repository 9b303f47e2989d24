-- What a search looks at is folded first, so that "beyonce" finds "Beyoncé" and "dc" finds "AC/DC",
-- whatever locale the database was made with: one of the C locale lower-cases nothing but ASCII.
-- booking_core/catalog/search_words.py does the same to what a fan types.
CREATE FUNCTION search_words(given text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(
    replace(replace(replace(replace(
        translate(
            lower(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')),
            -- Letters that no decomposition makes plain; capitals of Latin, Greek, Cyrillic, Armenian.
            'øłđðıςÆÐØÞĐĦŁŊŒŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖ'
                || 'ΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩϏϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦ'
                || 'ѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲ'
                || 'ԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖẞ',
            'olddiσædoþdħlŋœŧɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζ'
                || 'ηθικλμνξοπρστυφχψωϗϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧ'
                || 'ѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբ'
                || 'գդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆß'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
    -- Everything that is no letter and no digit, so that no word is taken for a path or an address.
    '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u2000-\u206f\u2100-\u2bff\u3000-\u303f\ufe00-\ufeff\U0001f000-\U0001faff]+',
    ' ', 'g'));

DROP INDEX events_by_search;
ALTER TABLE events DROP COLUMN search;
ALTER TABLE events
    -- 'simple': names of artists and places are not words of one language.
    ADD COLUMN search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', search_words(name)), 'A')
        || setweight(to_tsvector('simple', search_words(venue || ' ' || city)), 'B')
        || setweight(to_tsvector('simple', search_words(category || ' ' || description)), 'C')
    ) STORED,
    ADD COLUMN city_words text GENERATED ALWAYS AS (search_words(city)) STORED,
    ADD COLUMN category_words text GENERATED ALWAYS AS (search_words(category)) STORED;
-- Kept in the row: a word that fits thousands of events would fetch each from a second table.
ALTER TABLE events ALTER COLUMN search SET STORAGE MAIN;
CREATE INDEX events_by_search ON events USING gin (search);
CREATE INDEX events_by_city ON events (city_words, starts_at);
CREATE INDEX events_by_category ON events (category_words, starts_at);
