-- How large a sponsor's picture is, so that a page keeps room for it before it is there. Unknown for those from before.
ALTER TABLE sponsor ADD COLUMN picture_width integer, ADD COLUMN picture_height integer;
