importScripts("URL/pusula-sw.js");
