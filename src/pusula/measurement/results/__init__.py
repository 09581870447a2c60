"""What campaigns and journeys did, against those who were held out."""
