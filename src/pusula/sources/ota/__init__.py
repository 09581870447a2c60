"""OTA XML: bookings pushed by channel managers, reservation systems and portals."""
