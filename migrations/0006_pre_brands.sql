-- How a sale looks: a colour, a logo and a picture, all optional.

-- Pictures as we made them anew out of what was uploaded, named by their content: one may serve many
-- sales, and an address never changes what it shows.
CREATE TABLE brand_pictures (
    digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{32}$'),
    width int NOT NULL CHECK (width BETWEEN 1 AND 4096),
    height int NOT NULL CHECK (height BETWEEN 1 AND 4096),
    content bytea NOT NULL CHECK (length(content) <= 1048576),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sale_brands (
    sale_id text PRIMARY KEY REFERENCES sales,
    colour text CHECK (colour ~ '^#[0-9a-f]{6}$'),
    logo text REFERENCES brand_pictures,
    image text REFERENCES brand_pictures
);
